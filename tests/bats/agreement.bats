#!/usr/bin/env bats
# All users of some nodes must agree upon the list, the quorum and the guard; how that is changed.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2317 # status, output and stderr are run's; wait_until calls functions

load helper

setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  export REDLOCK_TTL=3s REDLOCK_NODE_TIMEOUT=400ms
}
teardown() { the_teardown; }

fit() { [ "$(redlock doctor --json | json 'it["result"]')" = fit ]; }
# A server that nobody has used before, at an address that nobody has used before: in REDLOCK_NODES after the others.
add_node() {
  NODE_ADDRESSES[$1]=$NODE_FOLDER/$1
  NODES_ARE_NEW=yes restart_node "$1"
  REDLOCK_NODES+=,unix://$NODE_FOLDER/$1
}

@test "another number of nodes, quorum or guard than others use: refused until reconfigured" {
  start_nodes 5
  redlock exec -n db -- true
  refused 78 'others use' exec -n --quorum 4 db -- touch ran
  refused 78 'others use' exec -n --restart-guard 40s db -- touch ran
  REDLOCK_NODES=${REDLOCK_NODES%,*} refused 78 'others use' exec -n db -- touch ran
  [ ! -e ran ]
  redlock exec -n --prefix other: --restart-guard 40s db -- true
  run redlock doctor --restart-guard 40s
  [ "$status" -eq 78 ]
  redlock init -q --reconfigure --restart-guard 40s
  redlock exec -n --restart-guard 40s db -- true
  refused 78 'others use' exec -n db -- touch ran
}

@test "who does without the guard is refused where others use it, until that is reconfigured" {
  start_nodes 3
  export REDLOCK_RESTART_GUARD=2s REDLOCK_TTL=2s # it is waited out
  redlock exec -n db -- true
  refused 78 'others use' exec -n --restart-guard off --ttl 1h db -- touch ran
  redlock init -q --reconfigure --restart-guard off
  redlock exec -n --restart-guard off --ttl 1h db -- true
  refused 78 'no restart guard' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "others use one node in another way, heard of when the lock was won: told, and the job goes on" {
  start_nodes 3
  hold_db
  node_cli 2 HSET 'redlock:{}:node' terms: '5 3 30000'
  wait_until grep -q 'others use .* with 5 nodes, a quorum of 3 and a restart guard of 30 s, and we with 3 .*: they could hold db' told
  let_go $!
  [ "$(grep -c 'others use' told)" -eq 1 ]
}

@test "extend with another list of nodes: 78" {
  start_nodes 5
  token=$(redlock acquire --ttl 20s db)
  run redlock extend -S "${REDLOCK_NODES%,*}" --token "$token" db
  [ "$status" -eq 0 ]
  [[ $output == *'warning: others use these nodes with 5 nodes'* ]]
  refused 78 'others use these nodes with 5 nodes' extend -S "${REDLOCK_NODES%,*,*}" --token "$token" db
  redlock extend --token "$token" db
  redlock release --token "$token" db
}

@test "a host with another guard is refused, and does not stop the others" {
  start_nodes 3
  redlock exec -n db -- true
  kill_node 3
  NODES_ARE_NEW=yes restart_node 3
  for _ in 1 2 3; do refused 78 'others use' exec -n --restart-guard 10m db -- touch ran; done
  for _ in 1 2 3; do redlock exec -n db -- true; done
  [ ! -e ran ]
}

@test "one node with a shorter list on record, which a forgotten host left there, costs its vote and no more" {
  export REDLOCK_TTL=20s REDLOCK_NODE_TIMEOUT=5s
  start_nodes 5
  token=$(acquire_on_all db)
  node_cli 5 HSET 'redlock:{}:node' terms: '3 2 30000'
  run redlock extend --token "$token" db
  [ "$status" -eq 0 ]
  [[ $output == *'warning: others use these nodes with 3 nodes'*'db is yours'* ]]
  redlock release --token "$token" db
  for _ in 1 2 3 4 5; do
    run redlock exec -n db -- true
    [ "$status" -eq 0 ]
    [ "$output" = "" ] || [[ $output == *'with 3 nodes'*'so it has no vote for us'* ]]
  done
  # With all votes in: acquire warns, too.
  run redlock acquire -q db
  [ "$status" -eq 0 ]
  token=${lines[-1]}
  redlock release --token "$token" db
  warns() {
    run redlock acquire --json db
    redlock release --token "$(json 'it["token"]' <<<"${lines[-1]}")" db
    [[ $output == *'with 3 nodes'*'so it has no vote for us'* ]]
  }
  wait_until warns
  # Who wants the lock at the same time is a reason to wait.
  for one in 1 2 3 4; do background exec -q db -- sh -c "touch ran$one"; done
  wait
  for one in 1 2 3 4; do [ -e "ran$one" ]; done
}

@test "extend: one server listed twice counts once" {
  export REDLOCK_RESTART_GUARD=1h
  start_nodes 3 tcp
  port=${NODE_ADDRESSES[1]}
  twice="redis://127.0.0.1:$port,redis://127.1:$port,redis://127.0.0.1:${NODE_ADDRESSES[2]}"
  token=$(redlock acquire --ttl 1h db)
  stop_node 2
  refused 69 '1 of 3 nodes extended the lease' extend -S "$twice" --ttl 1h --token "$token" db
  [[ $stderr == *'is the same server as'* ]]
  continue_node 2
  redlock release --token "$token" db
}

@test "extend with another guard on nodes that are young by it: 78, and not that they are in quarantine" {
  export REDLOCK_RESTART_GUARD=10s
  start_new_nodes 3
  wait_until redlock exec -n -q --ttl 10s db -- true
  token=$(redlock acquire --ttl 10s db)
  refused 78 'others use' extend --restart-guard 10m --ttl 10s --token "$token" db
  redlock release --token "$token" db
}

@test "extend with a guard that is shorter with others than our ttl, or without one: 78" {
  start_nodes 3
  token=$(redlock acquire --ttl 20s db)
  refused 78 'when a node has restarted' extend --restart-guard off --ttl 1h --token "$token" db
  refused 78 'when a node has restarted' extend --restart-guard 10m --ttl 10m --token "$token" db
  run redlock extend --restart-guard 10m --ttl 20s --token "$token" db
  [ "$status" -eq 0 ]
  [[ $output == *'warning: others use these nodes with'* ]]
  redlock release --token "$token" db
}

@test "what restarted nodes have forgotten of the agreement they learn from who holds a lock" {
  export REDLOCK_RESTART_GUARD=3s
  start_nodes 5
  hold_db --ttl 3s
  job=$!
  agreed() { [ "$(node_cli "$1" HGET 'redlock:{}:node' terms:)" = '5 3 3000' ]; }
  for node in 1 2 3; do
    kill_node "$node"
    NODES_ARE_NEW=yes restart_node "$node"
    wait_until agreed "$node"
    wait_until fit
  done
  refused 78 'others use' exec -n --restart-guard 2s --ttl 2s other -- touch ran
  [ ! -e ran ]
  let_go "$job"
}

@test "doctor: different settings, and how to change them, once" {
  start_nodes 3
  redlock init -q
  run redlock doctor --quorum 3
  [ "$status" -eq 78 ]
  [ "$(grep -c 'init --reconfigure' <<<"$output")" -eq 1 ]
  [[ $output == *'if the settings of this host are wrong'*'redlock init --reconfigure, with the same --quorum'* ]]
}

@test "one node that cannot be a node: nothing is reconfigured" {
  start_nodes 3 tcp
  redlock exec -n db -- true
  node_cli 3 REPLICAOF 127.0.0.1 "${NODE_ADDRESSES[1]}"
  for quiet in '' -q; do
    # shellcheck disable=SC2086 # none or one
    run redlock init $quiet --restart-guard 1m --reconfigure
    [ "$status" -eq 78 ]
    [[ $output == *'not set up: all 3 nodes must answer and be fit'*'replica'* ]]
  done
  [ "$(node_cli 1 HGET 'redlock:{}:node' terms:)" = '3 2 30000' ]
}

@test "without the guard any server will do: that can be set up, too" {
  start_nodes 3
  export REDLOCK_RESTART_GUARD=2s REDLOCK_TTL=2s
  redlock exec -n db -- true
  each_node CONFIG SET maxmemory 100mb
  each_node CONFIG SET maxmemory-policy volatile-lru
  each_node HDEL 'redlock:{}:node' checked
  refused 78 'volatile-lru' init --reconfigure
  redlock init -q --reconfigure --restart-guard off
  redlock exec -n --restart-guard off db -- touch ran
  [ -e ran ]
}

# redlock(1), RESTART GUARD, step by step.
@test "a node is replaced by one at another address, under a job that holds a lock" {
  export REDLOCK_RESTART_GUARD=3s
  start_nodes 3
  hold_db --ttl 3s
  job=$!
  kill_node 3
  REDLOCK_NODES=${REDLOCK_NODES%,*}
  add_node 4
  refused 75 'is busy' exec -n --ttl 3s db -- touch ran
  wait_until fit
  refused 75 'is busy' exec -n --ttl 3s db -- touch ran
  [ ! -e ran ]
  let_go "$job"
  redlock exec -n --ttl 3s db -- touch ran
  [ -e ran ]
}

@test "three nodes become five, and five three" {
  export REDLOCK_RESTART_GUARD=2s REDLOCK_TTL=2s
  start_nodes 3
  redlock init -q
  three=$REDLOCK_NODES
  add_node 4
  add_node 5
  refused 78 'others use' exec -n db -- touch ran
  refused 78 'redlock init --reconfigure' init
  redlock init -q --reconfigure
  redlock exec -n db -- true
  refused_by "REDLOCK_NODES=$three" 78 'others use' exec -n db -- touch ran
  [ ! -e ran ]

  for node in 4 5; do kill_node "$node"; done
  REDLOCK_NODES=$three
  redlock init -q --reconfigure
  fit
  redlock exec -n db -- touch ran
  [ -e ran ]
}
