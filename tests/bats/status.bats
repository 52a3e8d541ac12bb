#!/usr/bin/env bats
# redlock status, on five real nodes.

# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

load helper

setup() {
  the_setup
  start_nodes 5
}

set_on() { # set_on VALUE NODE...
  local value=$1 i
  shift
  for i; do node_cli "$i" SET db "$value"; done
}
# With patience: this machine may be busy, and each node's answer is looked at.
state() { redlock status --node-timeout 5s --json db | json 'it["locks"][0]["state"]'; }

@test "a free lock: 0, and every node says so; -q prints nothing and answers 0" {
  run --separate-stderr redlock status db
  [ "$status" -eq 0 ]
  [ "${lines[0]}" = "db: free" ]
  [ "${#lines[@]}" -eq 6 ]
  [[ ${lines[3]} == "  unix://${NODE_ADDRESSES[3]}  free" ]]
  # shellcheck disable=SC2154 # set by run
  [ "$stderr" = "" ]
  run redlock status --restart-guard off db
  [[ ${lines[6]} == 'the restart guard is off: '* ]]
  run redlock status -q db
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
}

@test "a held lock: who, where, since when, why, for how long, on which nodes; 0, with -q 75" {
  token=$(acquire_on_all --ttl 60s --owner 'Alice A.' --why 'nightly backup' db)
  run redlock status --node-timeout 5s db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == "db: held by Alice A.@$(hostname) (pid "*") since $(date +%Y-%m-)"*": nightly backup" ]]
  [[ ${lines[1]} =~ ^"  fence "[0-9]+"; 5 of 5 nodes agree (3 needed); it ends in " ]]
  [[ ${lines[1]} == *"; it ends in "*" s unless it is renewed" ]]
  [ "$(grep -c ' s left$' <<<"$output")" -eq 5 ]
  run redlock status -q db
  [ "$status" -eq 75 ]
  [ "$output" = "" ]
  # It has changed nothing.
  [ "$(value_of db | sort -u)" = "$token" ]
  for i in 1 2 3 4 5; do [ "$(node_cli "$i" PTTL db)" -le 60000 ]; done
  redlock release --token "$token" db
}

@test "several names: each told; with -q 75 if any is held" {
  token=$(redlock acquire -q two)
  run redlock status one two three
  [ "$status" -eq 0 ]
  [ "$(grep -c '^[a-z]*: free$' <<<"$output")" -eq 2 ]
  [ "$(grep -c '^two: held by ' <<<"$output")" -eq 1 ]
  for order in 'one two three' 'two one' 'one two'; do
    # shellcheck disable=SC2086 # several names
    run redlock status -q $order
    [ "$status" -eq 75 ]
  done
  run redlock status -q one three
  [ "$status" -eq 0 ]
  run redlock status --json one two three
  [ "$(json '[(lock["name"], lock["state"]) for lock in it["locks"]]' <<<"$output")" = \
    "[('one', 'free'), ('two', 'held'), ('three', 'free')]" ]
  redlock release --token "$token" two
}

@test "--json: every field of a held lock" {
  token=$(acquire_on_all --ttl 60s --owner alice --why backup db)
  before=$(date +%s)
  run --separate-stderr redlock status --json --node-timeout 5s db
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 1 ]
  [ "$(json 'sorted(it["locks"][0])' <<<"$output")" = \
    "['agreeing', 'fence', 'holder', 'name', 'nodes', 'quorum', 'remaining_ms', 'state']" ]
  [ "$(json '[it["locks"][0][f] for f in ("state", "agreeing", "quorum")]' <<<"$output")" = "['held', 5, 3]" ]
  [ "$(json '0 < it["locks"][0]["remaining_ms"] <= 60000' <<<"$output")" = True ]
  [ "$(json '[it["locks"][0]["holder"][f] for f in ("owner", "host", "why")]' <<<"$output")" = \
    "['alice', '$(hostname)', 'backup']" ]
  since=$(json 'it["locks"][0]["holder"]["since_ms"] // 1000' <<<"$output")
  [ "$since" -le "$before" ]
  [ "$since" -gt $((before - 3600)) ]
  [ "$(json 'it["locks"][0]["holder"]["since"]' <<<"$output")" = "$(date -u -d "@$since" +%FT%TZ)" ]
  [ "$(json 'it["locks"][0]["holder"]["pid"] > 1' <<<"$output")" = True ]
  [ "$(json '[sorted(node) for node in it["locks"][0]["nodes"]] == 5 * [["answer", "holder", "node", "ttl_ms"]]' <<<"$output")" = True ]
  [ "$(json '{node["answer"] for node in it["locks"][0]["nodes"]}' <<<"$output")" = "{'held'}" ]
  [ "$(json 'all(n["holder"] == it["locks"][0]["holder"] and 0 < n["ttl_ms"] <= 60000 for n in it["locks"][0]["nodes"])' <<<"$output")" = True ]
  redlock release --token "$token" db
}

@test "what an attempt left on a minority: free, and told; nobody is named as the holder" {
  set_on someone 2 4
  run redlock status --node-timeout 5s db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == "db: free, though not on every node"* ]]
  [ "$(grep -c '  held by "someone", for ever$' <<<"$output")" -eq 2 ]
  run redlock status --node-timeout 5s --json db
  [ "$(json '[it["locks"][0][f] for f in ("state", "holder", "agreeing")]' <<<"$output")" = "['free', None, 2]" ]
  run redlock status --node-timeout 5s -q db
  [ "$status" -eq 0 ]
  # Free it is: it can be had.
  run redlock exec -w 50 db -- true
  [ "$status" -eq 0 ]
  set_on someone 2 4
  delete_all
}

@test "no majority says the same: split, held by nobody; with -q 75" {
  set_on one 1 2
  set_on two 3 4
  run redlock status --node-timeout 5s db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == "db: held by nobody: some nodes have a holder, but no 3 of them the same"* ]]
  [[ $output == *'held by "one", for ever'*'held by "two", for ever'*"free"* ]]
  run redlock status --node-timeout 5s --json db
  [ "$(json '[it["locks"][0][f] for f in ("state", "holder", "agreeing", "remaining_ms")]' <<<"$output")" = \
    "['split', None, 2, None]" ]
  run redlock status --node-timeout 5s -q db
  [ "$status" -eq 75 ]
  delete_all
}

@test "one more node makes it held; what a quorum still grants counts, not what one node does" {
  set_on one 1 2 3
  [ "$(state)" = held ]
  for i in 1 2 3; do node_cli "$i" PEXPIRE db $((i * 100000)); done
  node_cli 4 SET db other
  run redlock status --node-timeout 5s --json db
  [ "$(json '0 < it["locks"][0]["remaining_ms"] <= 100000' <<<"$output")" = True ]
  run redlock status --node-timeout 5s --json --quorum 4 db
  [ "$(json '[it["locks"][0][f] for f in ("state", "quorum")]' <<<"$output")" = "['split', 4]" ]
  delete_all
}

@test "another library's lock without an end, in bytes, and of another type" {
  printf '\377\001"\\x' >binary
  for i in 1 2 3 4 5; do node_cli "$i" -x SET db <binary; done
  run redlock status db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == 'db: held by "\xFF\x01"\\x"' ]]
  [[ ${lines[1]} == *"it has no end" ]]
  run redlock status --json db
  [ "$(json 'it["locks"][0]["holder"]["value"]' <<<"$output")" = '\xFF\x01"\\x' ]
  [ "$(json 'it["locks"][0]["remaining_ms"]' <<<"$output")" = None ]
  delete_all
  for i in 1 2 3 4 5; do node_cli "$i" HSET db field 1; done
  run redlock status db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == 'db: held by "(hash)"' ]]
  run redlock status -q db
  [ "$status" -eq 75 ]
  delete_all
  # Even an empty value keeps everybody out.
  set_on '' 1 2 3
  [ "$(state)" = held ]
  delete_all
  # A value without an end of its own: some of it.
  head -c 300000 /dev/zero | tr '\0' x >huge
  for i in 1 2 3; do node_cli "$i" -x SET db <huge; done
  run redlock status db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == 'db: held by "xxxxxxxx'*'..."' ]]
  [ "${#lines[0]}" -lt 100 ]
  delete_all
}

@test "a token that only looks like one of ours cannot move the cursor or break a line" {
  set_on "$(printf '%032d' 0).1.%1B%5B2J%0Aeve@%0D.1.%C2%9B" 1 2 3 4 5
  run redlock status db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == 'db: held by \x1B[2J\x0Aeve@\x0D (pid 1) since '*': \xC2\x9B' ]]
  run redlock status --json db
  [ "$(json 'it["locks"][0]["holder"]["owner"] == "\x1b[2J\neve"' <<<"$output")" = True ]
  delete_all
}

@test "names of any bytes: the line is safe, the JSON is valid" {
  names=($'new\nline' $'\033[2J' 'käse{}' $'\377\376' '"\"' ' ')
  token=$(redlock acquire -q $'new\nline')
  run redlock status "${names[@]}"
  [ "$status" -eq 0 ]
  [ "$(grep -c '^[^ ]\|^ : ' <<<"$output")" -eq 6 ]
  [[ $output == 'new\x0Aline: held by '*'\x1B[2J: free'*'käse{}: free'*'\xFF\xFE: free'*'"\\": free'* ]]
  run redlock status --json "${names[@]}"
  [ "$status" -eq 0 ]
  [ "$(json '[lock["name"] for lock in it["locks"]] == ["new\nline", "\x1b[2J", "k\u00e4se{}", "\ufffd\ufffd", "\"\\\"", " "]' <<<"$output")" = True ]
  [ "$(json '[lock["state"] for lock in it["locks"]] == ["held"] + 5 * ["free"]' <<<"$output")" = True ]
  redlock release --token "$token" $'new\nline'
}

@test "--prefix: that key and no other" {
  for i in 1 2 3; do node_cli "$i" SET app:db other; done
  run redlock status -q db
  [ "$status" -eq 0 ]
  run redlock status -q --prefix app: db
  [ "$status" -eq 75 ]
  REDLOCK_PREFIX=app: run redlock status db
  [[ ${lines[0]} == 'db: held by "other"' ]]
  for i in 1 2 3; do node_cli "$i" DEL app:db; done
}

@test "one node killed, one stopped: the majority tells, and the two are told, too" {
  token=$(acquire_on_all db)
  kill_node 1
  stop_node 2
  run redlock status db
  [ "$status" -eq 0 ]
  [[ ${lines[0]} == "db: held by "* ]]
  [[ ${lines[1]} == *"; 3 of 5 nodes agree (3 needed); "* ]]
  [[ ${lines[2]} == *"nobody listens on the socket"* ]]
  [[ ${lines[3]} == *"no answer"* ]]
  run redlock status --json db other
  [ "$status" -eq 0 ]
  [ "$(json '[node["answer"] for node in it["locks"][0]["nodes"]]' <<<"$output")" = \
    "['error', 'silent', 'held', 'held', 'held']" ]
  [ "$(json 'it["locks"][0]["nodes"][0]["message"] != "" != it["locks"][0]["nodes"][1]["message"]' <<<"$output")" = True ]
  [ "$(json 'it["locks"][1]["state"]' <<<"$output")" = free ]
  redlock release --token "$token" db
  continue_node 2
  wait_until_no_keys
}

@test "a majority gone: 69, unknown, with each node's failure; -q says it by the code alone" {
  kill_node 1
  kill_node 2
  stop_node 3
  run redlock status db
  [ "$status" -eq 69 ]
  [ "${lines[0]}" = "db: unknown: 2 of 5 nodes can tell who holds it, 3 are needed" ]
  [[ $output == *"nobody listens on the socket"*"no answer within"*"free"* ]]
  run redlock status -q db
  [ "$status" -eq 69 ]
  [ "$output" = "" ]
  run redlock status --json db other
  [ "$status" -eq 69 ]
  [ "$(json '[lock["state"] for lock in it["locks"]]' <<<"$output")" = "['unknown', 'unknown']" ]
  continue_node 3
}

@test "a majority that wants a password: 77, with the node's words" {
  for i in 1 2 3; do node_cli "$i" CONFIG SET requirepass sesame; done
  run redlock status db
  quiet=0
  redlock status -q db || quiet=$?
  for i in 1 2 3; do node_cli "$i" -a sesame --no-auth-warning CONFIG SET requirepass ''; done
  [ "$status" -eq 77 ]
  [ "$quiet" -eq 77 ]
  [ "${lines[0]}" = "db: unknown: 2 of 5 nodes can tell who holds it, 3 are needed" ]
  [ "$(grep -c 'NOAUTH' <<<"$output")" -eq 3 ]
}

@test "while a command holds it and another waits: the holder is the one that runs" {
  background exec --owner first db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done'
  holder=$!
  wait_until test -e started
  background exec --owner second db -- true 2>err
  waiter=$!
  wait_until grep -q 'held by first@' err
  run redlock status --json db
  [ "$(json 'it["locks"][0]["holder"]["pid"]' <<<"$output")" = "$holder" ]
  [ "$(json 'it["locks"][0]["holder"]["owner"], it["locks"][0]["holder"]["why"]' <<<"$output")" = "('first', 'sh')" ]
  touch go
  wait "$holder"
  wait "$waiter"
}

@test "stdout full or closed: 70, told so" {
  run bash -c '"$1" status db >/dev/full' - "$REDLOCK"
  [ "$status" -eq 70 ]
  [[ $output == "redlock: cannot write to standard output: No space left"* ]]
  run bash -c '"$1" status --json db 2>&1 >&-' - "$REDLOCK"
  [ "$status" -eq 70 ]
  [[ $output == *"standard output"* ]]
}

@test "TERM while the nodes are silent: death by it" {
  for i in 1 2 3 4 5; do stop_node "$i"; done
  background status --node-timeout 20s db
  sleep 0.2
  kill -TERM "$!"
  for i in 1 2 3 4 5; do continue_node "$i"; done
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 143 ]
}

@test "one node, one node that agrees: the singular" {
  one=${REDLOCK_NODES%%,*}
  set_all other
  run redlock status -S "$one" db
  [[ $output == *"1 of 1 node agrees (1 needed)"* ]]
  node_cli 1 DEL db
  node_cli 2 DEL db
  run redlock status db
  [[ $output == *"3 of 5 nodes agree (3 needed)"* ]]
  delete_all
  kill_node 1
  refused 69 '0 of 1 node answered, 1 is needed: db may still be held' release --token x -S "$one" db
  refused 69 '0 of 1 node extended the lease, 1 is needed: db was not extended' extend --token x -S "$one" db
  run redlock doctor -S "$one"
  [[ $output == *"1 node is needed for a lock, and 0 answer: "* ]]
  refused 64 "--quorum: '2' is not 1: of 1 node a majority must agree" status -S "$one" --quorum 2 db
}
