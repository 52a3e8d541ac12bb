#!/usr/bin/env bats
# What a server refuses although a lock needs it: doctor finds it before a job does, and a node that could not renew or
# release a lock does not grant it.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2317 # status, output and stderr are run's; wait_until calls functions

load helper

setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  export REDLOCK_TTL=3s REDLOCK_NODE_TIMEOUT=2s
  # As documented: tests/check/rights.py compares this list with the scripts, the manual.
  mapfile -t COMMANDS < <(grep -oE '"[A-Z]{3,}"' "$TEST_ROOT/lib/redis/rights.hh" | tr -d '"' | tr '[:upper:]' '[:lower:]')
}
teardown() { the_teardown; }

# user_without COMMAND [KEYS...]: the user app on all nodes, with all rights but this one (-: none is left out).
user_without() {
  local command rights=() index
  for command in "${COMMANDS[@]}"; do [ "$command" = "$1" ] || rights+=("+$command"); done
  shift
  [ $# -gt 0 ] || set -- '~db*' '~redlock:*'
  for index in "${!NODE_PIDS[@]}"; do node_cli "$index" ACL SETUSER app reset on '>pw' "$@" "${rights[@]}"; done >/dev/null
}
as_app() { REDLOCK_NODES=${REDLOCK_NODES//unix:\/\//unix:\/\/app:pw@}; }
result() { redlock doctor "$@" --json | json 'it["result"]'; }
no_key_at_all() { [ "$(each_node KEYS '*try*')$(keys_left)" = "" ]; }

@test "exactly the rights that are documented: every command works, doctor is content and leaves no key" {
  start_nodes 3
  user_without -
  as_app
  [ "$(result)" = fit ]
  no_key_at_all
  hold_db
  wait_until renewals 1 1
  run redlock status db
  [[ $output == *'db: held by'* ]]
  let_go $!
  token=$(redlock acquire -q db)
  redlock extend --token "$token" db
  redlock release --token "$token" db
  wait_until_no_keys
}

@test "one right is missing: doctor names it in one line, exec starts nothing and leaves no key" {
  start_nodes 3
  as_app
  for missing in "${COMMANDS[@]}"; do
    each_node HDEL 'redlock:{}:node' terms: >/dev/null
    user_without "$missing"
    echo "without $missing"
    run redlock doctor
    echo "$output"
    [ "$status" -eq 77 ]
    [ "$(grep -c "ACL SETUSER app .*+$missing" <<<"$output")" -eq 3 ]
    [ "$missing" = eval ] || grep -q "ACL SETUSER app +$missing\$" <<<"$output"
    if [ "$missing" = hdel ]; then continue; fi # not needed by a lock that is held
    refused 77 'ACL SETUSER' exec -n db -- touch ran
    [ ! -e ran ]
    wait_until no_key_at_all
  done
}

@test "a missing right: a short line for each node, and once which rights are needed" {
  start_nodes 3
  as_app
  user_without pexpire
  refused_by_all 77 'NOPERM: a right is missing' exec -n db -- touch ran
  [ "$(grep -c 'NOPERM: a right is missing$' <<<"$stderr")" -eq 3 ]
  [ "$(grep -c 'the user needs the keys NAME and redlock:\*' <<<"$stderr")" -eq 1 ]
  user_without eval
  run redlock status db
  [ "$status" -eq 77 ]
  [ "$(grep -c 'NOPERM (EVAL): a right is missing$' <<<"$output")" -eq 3 ]
  [ ! -e ran ]
}

@test "what doctor prints is what is missing" {
  start_nodes 3
  as_app
  for index in 1 2 3; do node_cli "$index" ACL SETUSER app reset on '>pw' '~db' +eval +time >/dev/null; done
  line=$(redlock doctor | sed -n 's/.*\(ACL SETUSER app .*\)/\1/p' | head -n 1)
  # shellcheck disable=SC2086 # several words
  for index in 1 2 3; do node_cli "$index" $line; done
  [ "$(result)" = fit ]
  redlock exec -n db -- touch ran
  [ -e ran ]
}

@test "keys that a user may not use: those of redlock must be permitted, those of a prefix are doubtful" {
  start_nodes 3
  as_app
  user_without - '~db*'
  run redlock doctor
  [ "$status" -eq 77 ]
  [[ $output == *'mend: '*'ACL SETUSER app ~redlock:*'* ]]
  user_without - '~redlock:*' '~app:*'
  [ "$(result --prefix app:)" = fit ]
  run redlock doctor --prefix other:
  [ "$status" -eq 0 ]
  [[ $output == *'warning: '*'begins with the prefix other:'*'ACL SETUSER app ~other:*'* ]]
}

@test "a server without memory, without its replicas, or one that cannot save: doctor says what exec would" {
  NODE_OPTIONS=(--dbfilename folder)
  start_nodes 3
  mkdir "$NODE_FOLDER/folder" # which a dump cannot replace
  redlock exec -n db -- true
  check() { # WORDS
    run redlock doctor
    echo "$output"
    [ "$status" -eq 78 ] && [ "$(grep -c "mend: $1" <<<"$output")" -eq 3 ] || return
    refused 69 "$1" exec -n db -- touch ran
    [[ $stderr == *'too many of the nodes refuse to work: db needs 2 of 3'* && $stderr != *'check that these'* ]] || return
    no_key_at_all
  }
  each_node CONFIG SET maxmemory 1
  check OOM
  each_node CONFIG SET maxmemory 0
  each_node CONFIG SET min-replicas-to-write 1
  check NOREPLICAS
  each_node CONFIG SET min-replicas-to-write 0
  each_node CONFIG SET save '3600 1'
  each_node BGSAVE
  failed() { node_cli "$1" INFO persistence | grep -q 'rdb_last_bgsave_status:err'; }
  for index in 1 2 3; do wait_until failed "$index"; done
  check MISCONF
  each_node CONFIG SET save ''
  [ "$(result)" = fit ]
  [ ! -e ran ]
}

@test "a command that is renamed: 77 and its name, and nothing is started" {
  for command in PEXPIRE DEL PTTL HMGET; do
    NODE_OPTIONS=(--rename-command "$command" hidden)
    start_new_nodes 3
    export REDLOCK_RESTART_GUARD=off
    run redlock doctor
    echo "$output"
    [ "$status" -eq 77 ]
    [ "$(grep -c "mend: .*$command renamed or switched off" <<<"$output")" -eq 3 ]
    refused 77 'renamed or switched off' exec -n --restart-guard off db -- touch ran
    [ ! -e ran ]
    wait_until no_key_at_all # what doctor cannot delete ends by itself
    for index in 1 2 3; do kill_node "$index"; done
  done
}

@test "a right that is taken away while a job holds the lock: told, and the job is ended, also without the guard" {
  start_nodes 3
  as_app
  for guard in 30s off; do
    user_without -
    rm -f started
    hold_db --restart-guard "$guard" --prefix "db:$guard:"
    job=$!
    user_without hmget
    code=0
    PATIENCE=30 wait_until gone "$job"
    wait "$job" || code=$?
    [ "$code" -eq 79 ]
    grep -q 'HMGET' told
    wait_until no_key_at_all # release needs no HMGET
  done
}

@test "a marker with a moment that is none, is negative or lies ahead: doctor does not say good, the node has no vote" {
  start_nodes 3
  for joined in -1 -9223372036854775808 9223372036854775807 99999999999999999999 1e300 -1e300 nan inf -inf x '' 0x7fffffffffffffff; do
    each_node HSET 'redlock:{}:node' joined "$joined"
    [ "$(result)" = quarantined ]
    refused 69 'vote in' exec -n db -- touch ran
  done
  [ ! -e ran ]
}

@test "a server that claims to vote since an absurd moment, or that answers no test: doctor does not say good" {
  start_nodes 2 # one of three, as one answer alone is no majority
  others=$REDLOCK_NODES
  for joined in -9223372036854775808 9223372036854775807 1; do
    rm -f liar
    # shellcheck disable=SC2016 # Python
    fake_node "$PWD/liar" 'joined = b"'"$joined"'"
peer.recv(1 << 16)
peer.sendall(b"*6\r\n$9\r\ninspected\r\n:%d\r\n$1\r\na\r\n$%d\r\n%s\r\n$0\r\n\r\n$0\r\n\r\n+OK\r\n"
    % (time.time() * 1e6, len(joined), joined))
while peer.recv(1 << 16): peer.sendall(b"-ERR not today\r\n")' &
    wait_until test -S liar
    run redlock doctor -S "unix://$PWD/liar,$others"
    echo "$output"
    [ "$status" -eq 0 ]
    told='unexpected reply'
    [ "$joined" -ne 1 ] || told='could not be tried: ERR not today'
    [[ ${lines[1]} == "  warning: "*"$told"* ]]
    [ "$(grep -c good <<<"$output")" -eq 2 ]
  done
}
