#!/usr/bin/env bats
# Nodes that have lost the key of a lock, and are in quarantine: what they say about it is no answer.
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # status, output and stderr are run's; wait_until calls functions

load helper

setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  export REDLOCK_NODE_TIMEOUT=2s
}
teardown() { the_teardown; }

# A job that is over before its next renewal.
hold_long() {
  hold_db --ttl 30s
  HOLDER=$!
  wait_until eval '[ "$(holders db)" -eq "${#NODE_PIDS[@]}" ]'
}
restart_empty() {
  local node
  for node; do
    kill_node "$node"
    NODES_ARE_NEW=yes restart_node "$node"
  done
}
code_of() {
  CODE=0
  "$@" || CODE=$?
}

@test "three of five nodes restart empty, and the job ends before its next renewal: its own code, nothing said" {
  start_nodes 5
  hold_long
  restart_empty 1 2 3
  code_of let_go "$HOLDER"
  cat told
  [ "$CODE" -eq 0 ]
  [ ! -s told ]
}

@test "FLUSHALL on all nodes under a job that ends before its next renewal: its own code" {
  start_nodes 3
  hold_long
  each_node FLUSHALL
  code_of let_go "$HOLDER"
  cat told
  [ "$CODE" -eq 0 ]
  [ ! -s told ]
}

@test "keys that are deleted, on nodes that vote: 79; without the guard FLUSHALL is a loss, too" {
  start_nodes 3
  hold_long
  for i in 1 2; do node_cli "$i" DEL db; done
  code_of let_go "$HOLDER"
  cat told
  [ "$CODE" -eq 79 ]
  [ "$(grep -c 'the key is gone' told)" -eq 2 ]
  rm go started
  hold_db --ttl 30s --restart-guard off --prefix off:
  wait_until eval '[ "$(holders off:db)" -eq 3 ]'
  each_node FLUSHALL
  code_of let_go "$!"
  [ "$CODE" -eq 79 ]
}

@test "extend and release by hand: such a node has not answered, 69 and not 79" {
  start_nodes 3
  token=$(redlock acquire -q db)
  wait_until eval '[ "$(holders db)" -eq 3 ]'
  restart_empty 1 2
  refused 69 '1 of 3 nodes extended the lease, 2 are needed' extend --token "$token" db
  [ "$(grep -c 'it does not know: it is new or was restarted' <<<"$stderr")" -eq 2 ]
  run --separate-stderr redlock extend --json --token "$token" db
  [ "$(json 'it["result"], it["nodes"][0]["answer"]' <<<"$output")" = "('unreachable', 'error')" ]
  redlock release --token "$token" db # one node has deleted it
  each_node FLUSHALL
  refused 69 '0 of 3 nodes answered, 2 are needed: db is not held any more' release --token "$token" db
  refused 79 'was not held with this token' release --restart-guard off --token "$token" db
}

@test "status does not call a lock free that its nodes may have forgotten" {
  start_nodes 3
  hold_long
  restart_empty 1 2
  run redlock status db
  echo "$output"
  [ "$status" -eq 69 ]
  [ "${lines[0]}" = 'db: unknown: 1 of 3 nodes can tell who holds it, 2 are needed' ]
  [ "$(grep -c 'it does not know: it is new or was restarted, and in quarantine for ' <<<"$output")" -eq 2 ]
  [[ $output == *' held by '* ]]
  run redlock status -q db
  [ "$status" -eq 69 ]
  run redlock status --json db
  [ "$(json '[it["locks"][0]["state"], [node["answer"] for node in it["locks"][0]["nodes"]]]' <<<"$output")" = \
    "['unknown', ['error', 'error', 'held']]" ]
  run redlock status --restart-guard off db
  [[ ${lines[0]} == 'db: free, though not on every node'* ]]
  let_go "$HOLDER"
}

@test "status of nodes that init has set up, and of a minority in quarantine: free" {
  start_new_nodes 3
  run redlock status -q db
  [ "$status" -eq 69 ]
  redlock init -q
  [ "$(redlock status db | head -n 1)" = 'db: free' ]
  restart_empty 1
  run redlock status -q db
  [ "$status" -eq 0 ]
}
