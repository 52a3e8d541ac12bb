#!/usr/bin/env bats
# Nodes that may have forgotten their votes, nodes that are none, nodes that others use in another way.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2317 # status, output and stderr are run's; wait_until calls functions

load helper

setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  export REDLOCK_TTL=3s REDLOCK_NODE_TIMEOUT=400ms
}
teardown() { the_teardown; }

guard_of() { export REDLOCK_RESTART_GUARD=$1; }
marker() { node_cli "$1" HGET 'redlock:{}:node' "$2"; }
result() { redlock doctor --json | json 'it["result"]'; }

@test "brand-new nodes: told at once what to type, and -n does not wait" {
  start_new_nodes 5
  refused 69 'no job has used them yet: redlock init; after a restart, wait)' exec -n db -- touch ran
  [[ $stderr == *'vote in 30 s'* ]]
  [ ! -e ran ]
  redlock init -q
  redlock exec -n db -- touch ran
  [ -e ran ]
}

@test "brand-new nodes: who waits, waits the quarantine out" {
  guard_of 3s
  start_new_nodes 3
  run redlock exec -w 20s db -- touch ran
  [ "$status" -eq 0 ]
  [[ $output == *'waiting for db'*'redlock init'* ]]
  [ -e ran ]
}

@test "brand-new nodes, on a terminal: why and what to type in full, then a line that goes on" {
  guard_of 20s
  start_new_nodes 3
  run on_terminal 'wait:init; wait:the_nodes_vote_in key:c' "$REDLOCK" exec db -- true
  [ "${lines[-1]}" = 'signal 2' ]
  [ "$(grep -c 'may have forgotten a lock' <<<"$output")" -eq 1 ]
}

@test "a deadline before the end of the quarantine: 69, with what is left" {
  guard_of 20s
  start_new_nodes 3
  refused 69 'vote in 1' exec -w 1s db -- touch ran
  [ ! -e ran ]
}

@test "a node killed and started again, empty: no vote; a minority of such nodes does not matter" {
  start_nodes 5
  for i in 1 2; do
    kill_node "$i"
    NODES_ARE_NEW=yes restart_node "$i"
  done
  redlock exec -n db -- true
  [ "$(result)" = quarantined ]
  kill_node 3
  NODES_ARE_NEW=yes restart_node 3
  refused 69 'have restarted' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "a node killed and started again with its data: no vote either" {
  NODES_KEEP_DATA=yes start_nodes 3
  for i in 1 2; do
    kill_node "$i"
    NODES_KEEP_DATA=yes NODES_ARE_NEW=yes restart_node "$i"
  done
  refused 69 'have restarted' exec -n db -- true
}

@test "the tail of a node's data lost: no vote" {
  NODES_KEEP_DATA=yes start_nodes 3
  redlock exec db -- true
  for i in 1 2; do
    cp -r "$NODE_FOLDER/$i.data" "$NODE_FOLDER/$i.before"
    node_cli "$i" SET written later
    kill_node "$i"
    rm -r "$NODE_FOLDER/$i.data"
    mv "$NODE_FOLDER/$i.before" "$NODE_FOLDER/$i.data"
    NODES_KEEP_DATA=yes NODES_ARE_NEW=yes restart_node "$i"
    [ "$(node_cli "$i" EXISTS written)" -eq 0 ]
  done
  refused 69 'have restarted' exec -n db -- true
}

@test "FLUSHALL on all nodes: the job goes on, and nobody has the lock inside the guard" {
  start_nodes 5
  hold_db --ttl 3s
  job=$!
  each_node FLUSHALL
  # Refused because of the quarantine, or because the job has set its keys anew already.
  run redlock exec -n --ttl 3s db -- touch ran
  case $status in
    69) [[ $output == *'may have forgotten'* ]] ;;
    *) [[ $status -eq 75 && $output == *'held by'* ]] ;;
  esac
  for i in 1 2 3 4 5; do wait_until renewals "$i" 3; done
  refused 75 'held by' exec -n --ttl 3s db -- touch ran
  let_go "$job"
  [ "$(<told)" = "" ]
  [ ! -e ran ]
}

@test "a majority of the keys is deleted under a job: KILL without TERM, for the lock may be somebody else's" {
  start_nodes 3
  background exec --ttl 20s db -- sh -c 'trap "touch terminated" TERM; touch started; while :; do sleep 0.05; done' 2>told
  job=$!
  wait_until test -e started
  for i in 1 2; do node_cli "$i" DEL db; done
  code=0
  wait "$job" || code=$?
  [ "$code" -eq 79 ]
  [ ! -e terminated ]
  grep -q 'too few nodes still held it' told
}

@test "the data of another node: no vote" {
  start_nodes 3 tcp
  for i in 1 2; do
    node_cli "$i" REPLICAOF 127.0.0.1 "${NODE_ADDRESSES[3]}"
    linked() { node_cli "$i" INFO replication | grep -q 'master_link_status:up'; }
    wait_until linked
  done
  # shellcheck disable=SC2314 # refused() tells
  refused 69 'replica' exec -n db -- true
  for i in 1 2; do node_cli "$i" REPLICAOF NO ONE; done
  refused 69 'have restarted' exec -n db -- true
}

@test "a node that evicts keys is none" {
  start_nodes 3
  redlock exec -n db -- true
  for i in 1 2; do
    node_cli "$i" CONFIG SET maxmemory 100mb
    node_cli "$i" CONFIG SET maxmemory-policy volatile-lru
    node_cli "$i" HDEL 'redlock:{}:node' checked
  done
  refused 78 'maxmemory-policy noeviction' exec -n db -- true
  run redlock doctor
  [ "$status" -eq 78 ]
  [[ $output == *'mend: '*volatile-lru* ]]
}

@test "one server listed twice would vote twice" {
  start_nodes 3 tcp
  port=${NODE_ADDRESSES[1]}
  REDLOCK_NODES="redis://127.0.0.1:$port,redis://127.1:$port,redis://127.0.0.1:${NODE_ADDRESSES[2]}"
  stop_node 2 # or it and the other are two of three, and different
  refused 78 'listed twice' exec -n --ttl 30s --node-timeout 5s db -- touch ran
  [ ! -e ran ]
  continue_node 2
  run redlock doctor
  [ "$status" -eq 78 ]
  [[ $output == *'the same server as'* ]]
}

@test "a ttl beyond the guard: refused, with what to do" {
  start_nodes 3
  refused 78 '--restart-guard 60s' exec -n --ttl 1m db -- true
  redlock exec -n --ttl 1m --restart-guard off db -- true
}

@test "a long job goes on while every node is restarted, empty, one after the other" {
  guard_of 3s
  start_nodes 5
  hold_db --ttl 3s
  job=$!
  # Others want the lock all the time.
  until [ -e go ]; do "$REDLOCK" exec -q -w 0.2s --ttl 3s db -- touch ran; done 2>/dev/null 3>&- &
  others=$!
  for node in 1 2 3 4 5; do
    kill_node "$node"
    NODES_ARE_NEW=yes restart_node "$node"
    votes() {
      [ "$(redlock doctor --json | json "it['nodes'][$((node - 1))]['quarantine_ms']")" -eq 0 ] &&
        [ "$(node_cli "$node" EXISTS db)" -eq 1 ]
    }
    wait_until votes
    refused 75 'is busy' exec -n --ttl 3s db -- touch ran
  done
  [ ! -s told ]
  [ ! -e ran ]
  let_go "$job"
  wait "$others" || true
}

@test "doctor: fit nodes, an unreachable one, too many of them" {
  start_nodes 5
  redlock exec -n db -- true
  run redlock doctor
  [ "$status" -eq 0 ]
  [ "$(grep -c '  good: ' <<<"$output")" -eq 5 ]
  [ "$(result)" = fit ]
  stop_node 1
  run redlock doctor
  [ "$status" -eq 0 ]
  [ "$(grep -c '  warning: ' <<<"$output")" -eq 1 ]
  for i in 2 3; do stop_node "$i"; done
  run redlock doctor
  [ "$status" -eq 69 ]
  [[ $output == *'3 nodes are needed for a lock, and 2 answer'* ]]
  run redlock doctor db
  [ "$status" -eq 64 ]
}

@test "lab: its nodes vote at once" {
  redlock lab -- "$REDLOCK" exec -n db -- touch ran
  [ -e ran ]
}

@test "somebody writes over the marker: such a node has no vote, and says what to do" {
  start_nodes 3
  hold_db --ttl 3s
  job=$!
  node_cli 1 SET 'redlock:{}:node' nonsense
  node_cli 2 CONFIG RESETSTAT
  wait_until renewals 2 3
  [ ! -s told ]
  for node in 2 3; do node_cli "$node" SET 'redlock:{}:node' nonsense; done
  refused 69 'DEL what is not redlock' exec -n other -- touch ran
  code=0
  wait "$job" || code=$?
  [ "$code" -eq 79 ]
  grep -q 'DEL what is not redlock' told
  [ ! -e ran ]
}

@test "restarted with its data, and a policy that evicts: its word says nothing of a lease" {
  export NODES_KEEP_DATA=yes
  start_nodes 3
  hold_db --ttl 3s
  job=$!
  NODE_OPTIONS=(--maxmemory 100mb --maxmemory-policy volatile-lru)
  for node in 1 2; do
    kill_node "$node"
    NODES_ARE_NEW=yes restart_node "$node"
  done
  code=0
  wait "$job" || code=$?
  [ "$code" -eq 79 ]
  grep -q 'could not be renewed in time' told
  grep -q 'volatile-lru' told
  for node in 1 2; do node_cli "$node" CONFIG SET maxmemory-policy noeviction; done
  refused 69 'vote in' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "restarted with their data: a lease is not prolonged by them, and who holds it is told so" {
  export NODES_KEEP_DATA=yes
  start_nodes 3
  token=$(redlock acquire --ttl 20s db)
  for node in 1 2; do
    kill_node "$node"
    NODES_ARE_NEW=yes restart_node "$node"
  done
  refused 69 'in quarantine for' extend --ttl 20s --token "$token" db
  [[ $stderr == *'was not extended; what is left of its lease is as it was'* ]]
  redlock release --token "$token" db
}

@test "a copy of a node that knows us prolongs nothing: somebody else may have its vote" {
  start_nodes 3 tcp
  token=$(redlock acquire --ttl 20s db)
  for node in 2 3; do node_cli "$node" DEL db; done
  hold_db
  job=$!
  node_cli 2 REPLICAOF 127.0.0.1 "${NODE_ADDRESSES[1]}"
  linked() { node_cli 2 INFO replication | grep -q 'master_link_status:up'; }
  wait_until linked
  node_cli 2 REPLICAOF NO ONE
  refused 69 'was not extended' extend --ttl 20s --token "$token" db
  kill "$job" || true
  wait "$job" || true
  expect_leftovers
}

@test "a full memory: running jobs go on, new locks are refused" {
  start_nodes 3
  hold_db
  for node in 1 2 3; do
    node_cli "$node" CONFIG SET maxmemory 1
    node_cli "$node" CONFIG RESETSTAT
  done
  refused 69 'reached its maxmemory' exec -n other -- touch ran
  wait_until renewals 1 3
  let_go $!
  [ ! -e ran ]
}

@test "a full memory from the beginning: that is what is said, not a quarantine without end" {
  start_new_nodes 3
  each_node CONFIG SET maxmemory 1
  refused 69 'reached its maxmemory' exec -n db -- touch ran
  run redlock doctor
  [ "$status" -eq 78 ]
  [[ $output == *'mend: OOM '*'reached its maxmemory'* ]]
  each_node CONFIG SET maxmemory 0
  refused 69 'vote in' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "a member of a cluster is no node, with slots or without" {
  NODE_OPTIONS=(--cluster-enabled yes --cluster-port "$(free_port)")
  start_new_nodes 1 tcp
  run redlock status db
  [ "$status" -eq 78 ]
  for slots in none all; do
    if [ "$slots" = all ]; then
      node_cli 1 CLUSTER ADDSLOTSRANGE 0 16383
      ready() { node_cli 1 CLUSTER INFO | grep -q cluster_state:ok; }
      wait_until ready
    fi
    refused 78 'not those of a cluster' exec -n db -- touch ran
    refused 78 'not those of a cluster' extend --token x db
    run redlock doctor
    [ "$status" -eq 78 ]
    [[ $output == *'mend: '*'not those of a cluster'* ]]
  done
  [ ! -e ran ]
}

@test "a full memory and volatile-lru: the lock is thrown away, the command dead, and such a node is none" {
  start_nodes 3
  background exec db -- sh -c 'trap "" TERM; echo $$ >pid; sleep 60' 2>told
  wait_until test -s pid
  for node in 1 2 3; do
    node_cli "$node" CONFIG SET maxmemory 1
    node_cli "$node" CONFIG SET maxmemory-policy volatile-lru
  done
  code=0
  wait $! || code=$?
  [ "$code" -eq 79 ]
  gone "$(cat pid)"
  for node in 1 2 3; do node_cli "$node" CONFIG SET maxmemory 100mb; done
  refused_within() { run redlock exec -n db -- touch ran && [ "$status" -eq 78 ]; }
  # What it knows of the server is ten seconds old at most.
  wait_until refused_within
  [[ $output == *'volatile-lru'* ]]
}

@test "a node gets back a copy of its own data from its replica: no vote" {
  start_nodes 4 tcp
  REDLOCK_NODES=${REDLOCK_NODES%,*}
  follow() {
    node_cli "$1" REPLICAOF 127.0.0.1 "${NODE_ADDRESSES[$2]}"
    wait_until linked "$1"
    node_cli "$1" REPLICAOF NO ONE
  }
  linked() { node_cli "$1" INFO replication | grep -q 'master_link_status:up'; }
  redlock exec -n db -- true
  for node in 1 2; do
    follow 4 "$node"
    follow "$node" 4
  done
  refused 69 'may have forgotten' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "nobody reads what redlock says: a warning holds nothing up" {
  start_nodes 3
  mkfifo pipe
  sleep 600 <>pipe 3>&- &
  reader=$!
  background exec --ttl 1s db -- sh -c 'trap "" TERM; echo $$ >pid; until [ -e go ]; do sleep 0.05; done' 2>pipe
  job=$!
  wait_until test -s pid
  timeout 1 dd if=/dev/zero of=pipe bs=4096 oflag=nonblock status=none 2>/dev/null || true
  for node in 1 2 3; do node_cli "$node" HSET 'redlock:{}:node' terms: '3 2 5000'; done
  # It would say so three times, three seconds each; the lease lasts one.
  node_cli 1 CONFIG RESETSTAT
  wait_until renewals 1 5
  let_go "$job"
  kill "$reader"
}
