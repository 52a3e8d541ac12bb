#!/usr/bin/env bats
# Nodes whose clocks are set forward or back, or run at another rate, while somebody has a lock there.
# shellcheck disable=SC2030,SC2031,SC2154,SC2317 # status, output and stderr are run's; wait_until calls functions

load helper

setup_file() {
  export CLOCK_SHIM=$BATS_FILE_TMPDIR/clock_shim.so
  "${CXX:-c++}" -O2 -shared -fPIC -o "$CLOCK_SHIM" "$BATS_TEST_DIRNAME/clock_shim.cc"
}
setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  export NODE_CLOCKS=yes REDLOCK_TTL=3s REDLOCK_NODE_TIMEOUT=400ms
}
teardown() { the_teardown; }

# clock NODE SECONDS [MILLIONTHS]: its clock is so far ahead, and runs so much faster, from now on.
clock() { set_clock "$NODE_FOLDER/$1.clock" "$2" "${3:-0}"; }
on_node() { node_cli "$1" TIME | head -1; }

@test "the shim moves a node's clock" {
  start_nodes 1
  clock 1 61
  [ $(($(on_node 1) - $(date +%s))) -ge 60 ]
  clock 1 -61
  [ $(($(on_node 1) - $(date +%s))) -le -60 ]
}

@test "one of three nodes is set forward by 61 s: a warning, and the job goes on" {
  start_nodes 3
  hold_db
  clock 2 61
  wait_until grep -q 'the clock of .* was set forward, or runs too fast: by 1 min .*, more than --slack; its vote' told
  refused 75 'is busy' exec -n db -- touch ran
  seen=$(renewed 2)
  wait_until renewals 2 $((seen + 2))
  [ "$(grep -c 'set forward' told)" -eq 1 ]
  let_go $!
  [ ! -e ran ]
}

@test "all nodes are set forward by 61 s, beyond every slack: the lock is lost, and the command dead" {
  start_nodes 3
  background exec db -- sh -c 'trap "" TERM; echo $$ >pid; sleep 60'
  wait_until test -s pid
  for node in 1 2 3; do clock "$node" 61; done
  code=0
  wait $! || code=$?
  [ "$code" -eq 79 ]
  gone "$(cat pid)"
}

@test "all nodes are set forward by 30 s, within --slack: nobody else gets in" {
  export REDLOCK_TTL=100s REDLOCK_RESTART_GUARD=100s
  start_nodes 3
  token=$(redlock acquire --slack 31s db)
  for node in 1 2 3; do clock "$node" 30; done
  refused 75 'is busy' exec -n --slack 31s db -- touch ran
  redlock extend --slack 31s --token "$token" db
  refused 75 'is busy' exec -n --slack 31s db -- touch ran
  redlock release --token "$token" db
  redlock exec -n --slack 31s db -- true
  [ ! -e ran ]
}

@test "more than half of --slack: a warning that says so" {
  start_nodes 3
  hold_db --ttl 12s --slack 5s
  clock 1 4
  wait_until grep -q 'set forward, or runs too fast: by .*, more than half of --slack$' told
  let_go $!
}

@test "all nodes are set back by 30 s, then by 61 s: the job goes on, and the next one gets the lock" {
  start_nodes 3
  hold_db
  for back in -30 -91; do
    for node in 1 2 3; do clock "$node" "$back"; done
    for node in 1 2 3; do [ "$(node_cli "$node" PTTL db)" -gt 3000 ]; done
    refused 75 'is busy' exec -n db -- touch ran
  done
  let_go $!
  [ "$(grep -c 'set forward' told)" -eq 0 ]
  [ ! -e ran ]
  redlock exec -n db -- true
}

@test "a node whose clock is set back to before it joined: no vote for the time of the guard" {
  start_nodes 3
  redlock exec -n db -- true
  for node in 1 2; do
    node_cli "$node" HSET 'redlock:{}:node' joined "$(($(on_node "$node") * 1000000 - 40000000))"
  done
  redlock exec -n db -- true
  for node in 1 2; do clock "$node" -61; done
  refused 69 'vote in' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "clocks that run at other rates, within --drift: no warning, nothing lost" {
  start_nodes 3
  clock 1 0 4000
  clock 2 0 -4000
  hold_db
  seen=$(renewed 1)
  wait_until renewals 1 $((seen + 5))
  [ "$(grep -c 'set forward' told)" -eq 0 ]
  refused 75 'is busy' exec -n db -- touch ran
  let_go $!
}

@test "a clock that runs faster than --drift allows: a warning" {
  start_nodes 3
  clock 1 0 100000
  hold_db
  wait_until grep -q 'the clock of .* was set forward, or runs too fast: by .*, more than half of --slack$' told
  let_go $!
}

@test "a node in quarantine whose clock is set forward within the slack: its vote comes no sooner than the lease ends" {
  export REDLOCK_TTL=8s REDLOCK_RESTART_GUARD=8s
  start_nodes 3
  begin=$(date +%s%3N)
  left=$(redlock acquire --slack 4s --json db 2>/dev/null | json "it['validity_ms']")
  for node in 1 2; do
    kill_node "$node"
    NODES_ARE_NEW=yes restart_node "$node"
  done
  refused 69 'vote in' exec -n --slack 4s db -- touch ran
  for node in 1 2; do clock "$node" 4; done
  attempt() { redlock exec -n --slack 4s db -- true 2>told; }
  wait_until attempt
  [ "$(date +%s%3N)" -ge $((begin + left)) ]
  [ ! -e ran ]
  wait_until no_keys
}
