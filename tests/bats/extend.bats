#!/usr/bin/env bats
# redlock extend, on five real nodes.

load helper

setup() {
  the_setup
  export REDLOCK_NODE_TIMEOUT=1s
  start_nodes 5
}

ttls() { each_node PTTL db; }

@test "extend: the keys live longer on every node; a note on stderr, nothing on stdout" {
  token=$(acquire_on_all --ttl 20s db)
  run --separate-stderr redlock extend --ttl 10m --token "$token" db
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
  # shellcheck disable=SC2154 # set by run
  [[ $stderr == "redlock: db is yours for another 9 min "* ]]
  lives_long() { for left in $(ttls); do [ "$left" -gt 500000 ] || return 1; done; }
  wait_until lives_long
  [ "$(value_of db | sort -u)" = "$token" ]
  run redlock extend -q --token "$token" db
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
  redlock release --token "$token" db
}

@test "extend holds a lock past the ttl that it was taken with" {
  token=$(acquire_on_all --ttl 5s db)
  redlock extend -q --ttl 60s --token "$token" db
  sleep 5.2
  run redlock acquire -n -q db
  [ "$status" -eq 75 ]
  redlock release --token "$token" db
}

@test "a shorter ttl lowers nothing, and a key that never ends stays so" {
  token=$(acquire_on_all --ttl 10m db)
  node_cli 2 PERSIST db
  run redlock extend --ttl 5s --token "$token" db
  [ "$status" -eq 0 ]
  [ "$(node_cli 2 PTTL db)" -eq -1 ]
  for i in 1 3 4 5; do [ "$(node_cli "$i" PTTL db)" -gt 400000 ]; done
  redlock release --token "$token" db
}

@test "a lock that is gone stays gone: 79" {
  token=$(acquire_on_all db)
  redlock release --token "$token" db
  run redlock extend --token "$token" db
  [ "$status" -eq 79 ]
  [[ $output == *"db cannot be extended: this token does not hold it"$'\n'*"the key is gone"* ]]
  [ -z "$(keys_left)" ]
}

@test "a key that a minority has lost is not set again there" {
  token=$(acquire_on_all db)
  node_cli 2 DEL db
  node_cli 4 DEL db
  run redlock extend --node-timeout 5s --token "$token" db # each of the three others counts
  [ "$status" -eq 0 ]
  [ "$(holders db)" -eq 3 ]
  # With one more gone the lease is: a majority has answered, and too few of it yes.
  node_cli 5 DEL db
  run redlock extend --token "$token" db
  [ "$status" -eq 79 ]
  [ "$(holders db)" -eq 2 ]
  redlock release --token "$token" db
}

@test "a wrong token: 79, told who holds it, nothing is touched" {
  token=$(acquire_on_all --owner alice --why backup --ttl 60s db)
  run redlock extend --ttl 1h --token 0123456789 db
  [ "$status" -eq 79 ]
  [[ $output == *"now held by alice@"*": backup"* ]]
  for left in $(ttls); do [ "$left" -le 60000 ]; done
  [ "$(value_of db | sort -u)" = "$token" ]
  redlock release --token "$token" db
}

@test "another library's lock: 79, binary or not even a string; it stays as it is" {
  printf '\377\001x' >binary
  for i in 1 2 3; do node_cli "$i" -x SET db <binary; done
  run redlock extend --token 0123456789 db
  [ "$status" -eq 79 ]
  [[ $output == *'now held by "\xFF\x01x"'* ]]
  for i in 1 2 3; do node_cli "$i" DEL db && node_cli "$i" HSET db field 1; done
  run redlock extend --token 0123456789 db
  [ "$status" -eq 79 ]
  [[ $output == *'now held by "(hash)"'* ]]
  [ "$(node_cli 1 PTTL db)" -eq -1 ]
  for i in 1 2 3; do node_cli "$i" DEL db; done
}

@test "one node killed and one stopped: 0; three gone: 69, told how many extended it" {
  token=$(acquire_on_all db)
  kill_node 1
  stop_node 2
  run redlock extend --token "$token" db
  [ "$status" -eq 0 ]
  kill_node 3
  run redlock extend --token "$token" db
  [ "$status" -eq 69 ]
  [[ $output == *"2 of 5 nodes extended the lease, 3 are needed: db was not extended"* ]]
  [[ $output == *"nobody listens on the socket"* && $output == *"no answer within"* ]]
  redlock release --token "$token" db || [ $? -eq 69 ]
  continue_node 2
  wait_until_no_keys
}

@test "too few yes and too few no: 69, not lost; no riddle about how many answered" {
  token=$(acquire_on_all db)
  node_cli 5 DEL db
  kill_node 1
  kill_node 2
  run redlock extend --token "$token" db
  [ "$status" -eq 69 ]
  [[ $output == *"2 of 5 nodes extended the lease, 3 are needed"*"the key is gone"* ]]
  for i in 3 4; do node_cli "$i" DEL db; done
}

@test "without the password that a majority wants: 77" {
  for i in 1 2 3; do node_cli "$i" CONFIG SET requirepass sesame; done
  run redlock extend --token 0123456789 db
  for i in 1 2 3; do node_cli "$i" -a sesame --no-auth-warning CONFIG SET requirepass ''; done
  [ "$status" -eq 77 ]
  [[ $output == *"db was not extended"*NOAUTH* ]]
}

@test "the token by file, which acquire wrote, or by the environment, which its output for eval set" {
  redlock acquire -q --token-file token db
  redlock extend -q --token-file token db
  redlock release --token-file token db
  eval "$(redlock acquire -q --format env db)"
  redlock extend -q db
  # Only for the name that it belongs to.
  run redlock extend other
  [ "$status" -eq 64 ]
  [[ $output == *"no token for 'other': REDLOCK_TOKEN belongs to 'db' (REDLOCK_NAME); give the token with --token T"* ]]
  # The option goes before the environment.
  run redlock extend --token 0123456789 db
  [ "$status" -eq 79 ]
  redlock release db
  REDLOCK_NAME='' run redlock extend db
  [ "$status" -eq 64 ]
  [[ $output == *"counts only when REDLOCK_NAME is this name"* ]]
}

@test "no token, two, or what is none: 64, told what is one, and it is never repeated" {
  run redlock extend db
  [ "$status" -eq 64 ]
  [[ $output == *"no token for 'db': give what 'redlock acquire' printed with --token T or --token-file FILE"* ]]
  touch empty
  run redlock extend --token 0123456789 --token-file empty db
  [ "$status" -eq 64 ]
  [[ $output == *"both --token and --token-file"* ]]
  run redlock extend --token-file empty db
  [ "$status" -eq 64 ]
  [[ $output == *"--token-file: cannot read 'empty': its first line is empty"* ]]
  run redlock extend --token-file missing db
  [ "$status" -eq 64 ]
  [[ $output == *"--token-file: cannot read 'missing': No such file"* ]]
  run redlock extend --token-file . db
  [ "$status" -eq 64 ]
  [[ $output == *"cannot read '.': Is a directory"* ]]
  run redlock extend --token '' db
  [ "$status" -eq 64 ]
  [[ $output == *"--token: the token is empty; did 'redlock acquire' fail?"* ]]
  for bad in 'two words' $'new\nline' "$(printf 'x%.0s' {1..257})"; do
    run redlock extend --token "$bad" db
    [ "$status" -eq 64 ]
    [[ $output == *"--token: this is no token; give what 'redlock acquire' printed"* && $output != *"$bad"* ]]
  done
}

@test "--json: the result and every node's answer, also when it fails" {
  token=$(acquire_on_all db)
  run --separate-stderr redlock extend -q --json --ttl 60s --node-timeout 5s --token "$token" db
  [ "$status" -eq 0 ]
  [ "$(json 'it["name"], it["result"], it["ttl_ms"], it["quorum"], it["holder"], len(it["nodes"])' <<<"$output")" = \
    "('db', 'extended', 60000, 3, None, 5)" ]
  [ "$(json '0 < it["validity_ms"] < 60000' <<<"$output")" = True ]
  [ "$(json '[node["answer"] for node in it["nodes"]].count("extended") >= 3' <<<"$output")" = True ]
  [ "$(json 'it["nodes"][4]["node"]' <<<"$output")" = "unix://${NODE_ADDRESSES[5]}" ]
  run --separate-stderr redlock extend --json --node-timeout 5s --token 0123456789 db
  [ "$status" -eq 79 ]
  [ "$(json 'it["result"], "validity_ms" in it, "token" in it' <<<"$output")" = "('lost', False, False)" ]
  [ "$(json '[node["answer"] for node in it["nodes"]].count("not_ours") >= 3' <<<"$output")" = True ]
  redlock release --token "$token" db
  for i in 1 2 3; do kill_node "$i"; done
  run --separate-stderr redlock extend --json --token "$token" db
  [ "$status" -eq 69 ]
  [ "$(json 'it["result"], it["nodes"][0]["answer"]' <<<"$output")" = "('unreachable', 'error')" ]
  [[ $(json 'it["nodes"][0]["message"]' <<<"$output") == *"nobody listens"* ]]
}

@test "a signal while the nodes are silent: the pass is finished, then death by it" {
  token=$(acquire_on_all db)
  for i in 1 2 3 4 5; do stop_node "$i"; done
  background extend --node-timeout 20s --ttl 10m --token "$token" db
  sleep 0.2
  kill -TERM "$!"
  for i in 1 2 3 4 5; do continue_node "$i"; done
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 143 ]
  redlock release --token "$token" db
}
