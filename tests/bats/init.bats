#!/usr/bin/env bats
# Setting up a fleet, and changing its settings.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154,SC2317 # status, output and stderr are run's; wait_until calls functions

load helper

setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  export REDLOCK_TTL=3s REDLOCK_NODE_TIMEOUT=500ms
}
teardown() { the_teardown; }

marker() { node_cli "$1" HGET 'redlock:{}:node' "$2"; }
records() { for node in "$@"; do marker "$node" terms:; done; }
empty_restart() {
  local node
  for node; do
    kill_node "$node"
    NODES_ARE_NEW=yes restart_node "$node"
  done
}
guard_of() { export REDLOCK_RESTART_GUARD=$1 REDLOCK_TTL=$1; }

@test "new nodes: set up at once, and already set up the second time" {
  start_new_nodes 3
  run redlock init
  [ "$status" -eq 0 ]
  [ "$output" = 'redlock: set up: 3 nodes, a quorum of 2 and a restart guard of 30 s' ]
  [ "$(records 1 2 3 | sort -u)" = '3 2 30000' ]
  redlock exec -n db -- touch ran
  [ -e ran ]
  for _ in 1 2; do
    run redlock init
    [ "$status" -eq 0 ]
    [ "$output" = 'redlock: already set up: 3 nodes, a quorum of 2 and a restart guard of 30 s' ]
  done
  run redlock init -q
  [ "$output" = "" ]
  # A record of init does not lapse.
  [ "$(marker 1 trial:)" = "" ]
}

@test "the message of a new fleet says exactly what to type" {
  start_new_nodes 3
  refused 69 'if these servers are new and no job has used them yet: redlock init; after a restart, wait)' exec -n db -- touch ran
  refused 69 'yet: redlock init, with the same -S, --quorum; after a restart, wait)' exec -n -S "$REDLOCK_NODES" --quorum 3 db -- touch ran
  run redlock doctor
  [[ $output == *'if these servers are new and no job has used them yet: redlock init; after a restart, wait' ]]
  [ ! -e ran ]
}

@test "a node that does not answer: 69, and nothing was changed" {
  start_new_nodes 3
  stop_node 2
  refused 69 'all 3 nodes must answer and be fit' init
  continue_node 2
  [ "$(records 1 2 3 | grep . || true)" = "" ]
  refused 69 'vote in' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "one server listed twice: 78, and nothing was changed" {
  start_new_nodes 2 tcp
  port=${NODE_ADDRESSES[1]}
  refused 78 'listed twice' init -S "$REDLOCK_NODES,redis://127.1:$port"
  [ "$(records 1 2 | grep . || true)" = "" ]
}

# The two holders of before: the refusal named A as the holder, and gave B a hint to end the quarantine.
@test "two of three nodes restarted empty while A holds: no hint beside A's name, init waits, B never runs beside A" {
  guard_of 10s
  start_new_nodes 3
  redlock init -q
  # Whether A's lease survives that is another question; as long as its command runs, it holds the file.
  background exec db -- flock alone sh -c 'touch started; until [ -e go ]; do sleep 0.05; done' 2>told
  job=$!
  wait_until test -e started
  empty_restart 1 2
  # 75 when A has set its keys anew already.
  run redlock exec -n db -- touch beside
  [[ $status -eq 69 || $status -eq 75 ]]
  [[ $output == *"$(hostname)"* && $output != *'redlock init'* ]]
  run redlock doctor
  [[ $output == *'may have forgotten a lock'* && $output != *'redlock init'* ]]
  until [ -e go ]; do
    "$REDLOCK" exec -q -n db -- sh -c 'flock -n alone true || touch beside; touch ran'
  done 2>/dev/null 3>&- &
  others=$!
  run redlock init
  [ "$status" -eq 0 ]
  [[ $output == *'waiting: the nodes are in quarantine for another '*'set up: 3 nodes'* ]]
  over() { gone "$job" || [ "$(redlock status --json db | json 'it["locks"][0]["agreeing"]')" -eq 3 ]; }
  wait_until over
  sleep 1
  [ ! -e beside ]
  touch go
  wait "$others" "$job" || true
  [ ! -e beside ]
}

@test "all nodes restarted empty while init waits: it has seen the use, and goes on waiting" {
  guard_of 10s
  start_new_nodes 3
  redlock init -q
  # A lock that no renewal sets anew: only what init has seen tells of it.
  redlock acquire -q db
  empty_restart 3
  background init 2>said
  setup=$!
  wait_until grep -q 'waiting: the nodes are in quarantine for another' said
  for node in 1 2 3; do kill_node "$node"; done
  for node in 1 2 3; do NODES_ARE_NEW=yes launch_node "$node"; done
  for node in 1 2 3; do NODES_ARE_NEW=yes await_node "$node"; done
  code=0
  while ! gone "$setup"; do
    [ "$(for node in 1 2 3; do marker "$node" joined; done | grep -c '^0$')" -eq 0 ]
    sleep 0.1
  done
  wait "$setup" || code=$?
  [ "$code" -eq 0 ]
  [ "$(for node in 1 2 3; do marker "$node" joined; done | grep -c '^0$')" -eq 0 ]
}

@test "all nodes restarted empty while A holds: its next renewal is a trace, and init waits" {
  guard_of 3s
  start_new_nodes 3
  redlock init -q
  # Without the renewal of a moment later, init would take the nodes for new ones (redlock(1), RESTART GUARD).
  background exec db -- sh -c 'touch started; sleep 60'
  job=$!
  wait_until test -e started
  for node in 1 2 3; do node_cli "$node" DEBUG SLEEP 0 >/dev/null || true; done
  each_node FLUSHALL
  traced() { [ -n "$(marker 1 used)" ] && [ -n "$(marker 2 used)" ] && [ -n "$(marker 3 used)" ]; }
  wait_until traced
  refused 69 'nodes are in quarantine' init --no-wait
  code=0
  kill "$job" || true
  wait "$job" || code=$?
  [ "$code" -ne 0 ]
}

@test "used, and when: written at a grant, an extend and a set-anew; a new quarantine begins without it" {
  start_nodes 3
  [ "$(marker 1 used)" = "" ]
  token=$(redlock acquire --ttl 20s db)
  granted=$(marker 1 used)
  [ -n "$granted" ]
  [ "$(marker 1 used:)" = "$granted" ]
  [ "$(marker 1 lock:)" = db ]
  later() {
    redlock extend --ttl 20s --token "$token" db
    [ "$(marker 1 used)" -gt "$granted" ]
  }
  # At most once a second.
  wait_until later
  redlock release --token "$token" db
  each_node FLUSHALL
  redlock doctor -q || true
  [ "$(marker 1 used)" = "" ]
}

@test "a delayed trust does not hit a later restart, nor a node that was used" {
  start_new_nodes 1
  script() { node_cli 1 EVAL "$(sed 's/--.*//' "$TEST_ROOT"/lib/redis/scripts/{_guard,_terms,"$1"}.lua)" 1 'redlock:{}:node' "${@:2}"; }
  seen() { script inspect '' | sed -n "$1p"; }
  run_id=$(seen 3) joined=$(seen 4)
  [ "$(script trust "$run_id" 1)" = changed ]
  [ "$(script trust x "$joined")" = changed ]
  node_cli 1 HSET 'redlock:{}:node' used 1
  [ "$(script trust "$run_id" "$joined")" = used ]
  node_cli 1 HDEL 'redlock:{}:node' used
  kill_node 1
  NODES_ARE_NEW=yes restart_node 1
  [ "$(script trust "$run_id" "$joined")" = changed ]
  [ "$(script trust "$(seen 3)" "$(seen 4)")" = trusted ]
  [ "$(seen 4)" = 0 ]
}

@test "no memory: an extend goes on without its note" {
  start_nodes 3
  token=$(redlock acquire --ttl 20s db)
  wait_until eval '[ "$(holders db)" -eq 3 ]'
  each_node HDEL 'redlock:{}:node' used: used trial: # a note within a second is not repeated
  each_node PERSIST db                               # a server lets a script go on that has written once
  each_node CONFIG SET maxmemory 1
  redlock extend --ttl 20s --token "$token" db
  [ "$(marker 1 used)" = "" ]
  each_node CONFIG SET maxmemory 0
  redlock release --token "$token" db
}

@test "--no-wait: 69 and the time, and 0 once the quarantine is over" {
  guard_of 3s
  start_new_nodes 3
  redlock init -q
  redlock exec -n db -- true
  empty_restart 3
  refused 69 'recorded: 3 nodes, a quorum of 2 and a restart guard of 3 s; the nodes are in quarantine for another ' init --no-wait
  wait_until redlock init -q --no-wait
}

@test "a signal ends the wait at once, and another init finishes" {
  guard_of 1m
  start_new_nodes 3
  redlock init -q
  redlock exec -n db -- true
  empty_restart 3
  background init 2>said
  wait_until grep -q 'in quarantine for another' said
  kill -TERM $!
  code=0
  wait $! || code=$?
  [ "$code" -eq 143 ]
  # The node that lost its data has the record again.
  grep -q 'interrupted; recorded: 3 nodes, a quorum of 2' said
}

@test "on a terminal: a line that counts down" {
  guard_of 1m
  start_new_nodes 3
  redlock init -q
  redlock exec -n db -- true
  empty_restart 3
  run on_terminal 'wait:quarantine_for_another key:c' "$REDLOCK" init
  [ "${lines[-1]}" = 'signal 2' ]
}

@test "a trial run against one node of a new fleet locks nobody out" {
  guard_of 3s
  start_new_nodes 3
  all=$REDLOCK_NODES
  REDLOCK_NODES=${all%%,*} redlock exec -q trial -- true
  # Before it has lapsed: for how long.
  run redlock doctor
  [[ $output == *'nobody has set that up: it forgets that in '* ]]
  [[ $output == *'redlock init waits until it has lapsed'* && $output != *--reconfigure* ]]
  refused 78 "no 'redlock init' recorded that, and the node forgets it after " exec -n db -- touch ran
  [ ! -e ran ]
  refused 69 'nobody has set that up, and the node forgets it in ' init --no-wait
  run redlock init
  [ "$status" -eq 0 ]
  [[ $output == *'waiting: '*'set up: 3 nodes, a quorum of 2'* ]]
  [ "$(records 1 2 3 | sort -u)" = '3 2 3000' ]
  redlock exec -n db -- touch ran
  [ -e ran ]
  REDLOCK_NODES=${all%%,*} refused 78 'others use' exec -n trial -- touch ran_again
}

@test "a trial run against one node, and nobody runs init: the fleet has that node after the guard" {
  guard_of 3s
  start_new_nodes 3
  REDLOCK_NODES=${REDLOCK_NODES%%,*} redlock exec -q trial -- true
  # Two nodes are enough: a lock may be had before the third is heard.
  recorded() {
    redlock exec -q -n db -- true 2>/dev/null
    [ "$(marker 1 terms:)" = '3 2 3000' ]
  }
  wait_until recorded
}

@test "a provisional record does not lapse while its lock is held" {
  guard_of 2s
  start_new_nodes 3
  all=$REDLOCK_NODES
  REDLOCK_NODES=${all%%,*} hold_db
  job=$!
  refused 78 'different ones on record' init
  [[ $stderr == *'on record: 1 node, a quorum of 1'* ]]
  redlock exec -q -n other -- true || true # whoever has heard of the other record by then
  [ "$(marker 1 terms:)" = '1 1 2000' ]
  let_go "$job"
}

@test "different settings on record: 78, both in words, nothing changed, and what to type" {
  start_new_nodes 3
  redlock init -q
  refused 78 'redlock init --reconfigure, with the same --restart-guard' init --restart-guard 20s
  [[ $stderr == *'the settings here are 3 nodes, a quorum of 2 and a restart guard of 20 s'* ]]
  [[ $stderr == *'on record: 3 nodes, a quorum of 2 and a restart guard of 30 s'* ]]
  [ "$(records 1 2 3 | sort -u)" = '3 2 30000' ]
}

@test "many init with different settings at the same instant: one record on all nodes, and who lost says 78" {
  for round in 1 2 3 4 5 6 7 8; do
    if [ "$round" -eq 1 ]; then start_new_nodes 5; else each_node FLUSHALL; fi
    pids=() codes=()
    # Half of the clients name the nodes the other way round.
    backward=$(tr ',' '\n' <<<"$REDLOCK_NODES" | tac | paste -sd,)
    for guard in 20 21 22 23 24 25; do
      nodes=$REDLOCK_NODES
      [ $((guard % 2)) -eq 0 ] || nodes=$backward
      REDLOCK_NODES=$nodes "$REDLOCK" init -q --no-wait --restart-guard "${guard}s" 2>/dev/null 3>&- &
      pids+=($!)
    done
    for pid in "${pids[@]}"; do
      code=0
      wait "$pid" || code=$?
      codes+=("$code")
    done
    [ "$(records 1 2 3 4 5 | sort -u | wc -l)" -eq 1 ]
    [ "$(printf '%s\n' "${codes[@]}" | sort | uniq -c | xargs)" = '1 0 5 78' ]
  done
}

@test "--reconfigure with nothing held: waits until every lock from before has ended" {
  guard_of 3s
  start_new_nodes 3
  redlock init -q
  redlock exec -n db -- true
  refused 69 'nothing was changed: it takes 5 s' init --reconfigure --quorum 3 --no-wait
  [ "$(records 1 2 3 | sort -u)" = '3 2 3000' ]
  run redlock init --reconfigure --quorum 3
  [ "$status" -eq 0 ]
  [[ $output == *'no lock is granted for another '*'set up: 3 nodes, a quorum of 3'* ]]
  [ "$(records 1 2 3 | sort -u)" = '3 3 3000' ]
  [ "$(marker 1 hold:)" = "" ]
  redlock exec -n --quorum 3 db -- touch ran
  [ -e ran ]
  run redlock init --reconfigure --quorum 3
  [[ $output == *'already set up: 3 nodes, a quorum of 3'* ]]
}

@test "--reconfigure while a lock is held: who holds it, 75, and the job notices nothing" {
  guard_of 3s
  start_new_nodes 3
  redlock init -q
  hold_db
  job=$!
  for _ in 1 2 3; do refused 75 "nothing was changed: db is held by " init --reconfigure --quorum 3; done
  refused 75 "nothing was changed: db is held by " init --reconfigure --quorum 3 --no-wait
  refused 75 'nothing was changed' init --reconfigure --restart-guard 2s
  [ "$(records 1 2 3 | sort -u)" = '3 2 3000' ]
  [ "$(marker 1 hold:)" = "" ]
  node_cli 2 CONFIG RESETSTAT
  wait_until renewals 2 3
  [ ! -s told ]
  let_go "$job"
}

@test "--reconfigure beside a lock that was not used last: its renewal is seen" {
  guard_of 3s
  start_new_nodes 3
  redlock init -q
  hold_db
  job=$!
  node_cli 1 CONFIG RESETSTAT
  wait_until renewals 1 1
  # The node names another lock as the last one, which is free.
  each_node HSET 'redlock:{}:node' lock: other
  refused 75 'nothing was changed: db ' init --reconfigure --quorum 3
  [ "$(records 1 2 3 | sort -u)" = '3 2 3000' ]
  [ ! -s told ]
  let_go "$job"
}

@test "--reconfigure to a longer guard: at once, beside a lock that is held" {
  guard_of 3s
  start_new_nodes 3
  redlock init -q
  hold_db
  job=$!
  redlock init -q --reconfigure --restart-guard 5s
  [ "$(records 1 2 3 | sort -u)" = '3 2 5000' ]
  node_cli 2 CONFIG RESETSTAT
  wait_until renewals 2 3
  let_go "$job"
}

@test "--reconfigure, interrupted: all is as it was" {
  guard_of 20s
  start_new_nodes 3
  redlock init -q
  background init --reconfigure --quorum 3 2>said
  wait_until grep -q 'no lock is granted for another' said
  refused 69 "cannot be had yet: 'redlock init --reconfigure' is at work, or was killed: the nodes grant no lock for another" exec -n db -- touch ran
  refused 75 "another 'redlock init --reconfigure' is at work" init --reconfigure --restart-guard 10s
  [ ! -e ran ]
  # The nodes are fit, and still grant nothing.
  run redlock doctor
  [[ $output == *"note: 'redlock init --reconfigure' is at work, or was killed: no lock is granted here for another"* ]]
  [[ $output != *'good:'* && $output != *'may have forgotten a lock'* ]]
  [ "$(redlock doctor --json | json 'it["result"], min(node["quarantine_ms"] for node in it["nodes"]) > 0')" = "('quarantined', True)" ]
  refused 69 "another 'redlock init --reconfigure' is at work, or was killed" init --no-wait
  kill -INT $!
  code=0
  wait $! || code=$?
  [ "$code" -eq 130 ]
  grep -q 'interrupted; nothing was changed' said
  redlock exec -n db -- true
  [ "$(records 1 2 3 | sort -u)" = '3 2 20000' ]
}

@test "--reconfigure, killed: nobody is locked out, and the record is the old one" {
  guard_of 2s
  start_new_nodes 3
  redlock init -q
  background init --reconfigure --quorum 3 2>said
  wait_until grep -q 'no lock is granted for another' said
  kill -KILL $!
  wait $! || true
  wait_until redlock exec -q -n db -- true
  [ "$(records 1 2 3 | sort -u)" = '3 2 2000' ]
}

@test "--reconfigure to a longer guard beside a quarantine: says that it is recorded" {
  guard_of 20s
  start_new_nodes 3
  redlock init -q
  redlock exec -n db -- true
  empty_restart 3
  refused 69 'recorded: 3 nodes, a quorum of 2 and a restart guard of 40 s; the nodes are in quarantine for another ' \
    init --reconfigure --restart-guard 40s --no-wait
  [ "$(records 1 2 3 | sort -u)" = '3 2 40000' ]
  background init --reconfigure --restart-guard 50s 2>said
  wait_until grep -q 'in quarantine for another' said
  kill -INT $!
  code=0
  wait $! || code=$?
  [ "$code" -eq 130 ]
  grep -q 'interrupted; recorded: 3 nodes, a quorum of 2 and a restart guard of 50 s' said
}

@test "nodes that cannot hold a lock: init says why, and nothing was changed" {
  local broken
  for broken in PEXPIRE DEL HSET; do
    NODE_OPTIONS=(--rename-command "$broken" '')
    start_new_nodes 1
    refused 77 "has $broken renamed" init
    [[ $stderr == *'not set up: the node must answer and be fit'* ]]
    [ "$(records 1 | grep . || true)" = "" ]
    kill_node 1
  done
}

@test "a user who lacks a right: init says the same as doctor, 77, and nothing was changed" {
  start_new_nodes 3
  for node in 1 2 3; do
    node_cli "$node" ACL SETUSER app on '>pw' '~*' +@all >/dev/null
  done
  for right in pexpire hset; do
    node_cli 2 ACL SETUSER app +@all "-$right" >/dev/null
    run env REDISCLI_AUTH=pw "$REDLOCK" init --user app
    [ "$status" -eq 77 ]
    [[ $output == *'not set up: all 3 nodes must answer and be fit'*"ACL SETUSER app +$right"* ]]
    [ "$(records 1 2 3 | grep . || true)" = "" ]
  done
  node_cli 2 ACL SETUSER app +@all >/dev/null
  REDISCLI_AUTH=pw redlock init -q --user app
  # Rights on the locks' own keys cannot be tried without their names.
  run env REDISCLI_AUTH=pw "$REDLOCK" doctor --user app
  [ "$status" -eq 0 ]
  [[ $output == *'good: fit, and may vote'*"note: the user's rights on the locks' own keys were not tried; with --prefix they are"* ]]
  run env REDISCLI_AUTH=pw "$REDLOCK" doctor --user app --prefix app:
  [[ $output != *'were not tried'* ]]
  for node in 1 2 3; do node_cli "$node" ACL SETUSER app resetkeys '~redlock:*' >/dev/null; done
  run env REDISCLI_AUTH=pw "$REDLOCK" exec -n --user app db -- true
  [ "$status" -eq 77 ]
  [[ $output == *"the user may not use the key NAME (the lock's own)"* ]]
}

@test "init's table: quarantined and unreachable nodes, in words that are true" {
  start_new_nodes 3
  kill_node 3
  refused 69 'check that these servers run' init
  [[ $stderr == *'fit, in quarantine for another '* ]]
}

@test "a wrong password is an error in doctor's list" {
  start_new_nodes 1
  node_cli 1 CONFIG SET requirepass right >/dev/null
  run redlock doctor
  [ "$status" -eq 77 ]
  [[ $output == *'mend: NOAUTH'* ]]
  expect_leftovers # nobody can ask for them
}

@test "init takes no NAME, and doctor neither --trust nor --adopt" {
  refused 64 'takes no NAME' init db
  refused 64 "nodes are set up with 'redlock init'" doctor --trust
  refused 64 "nodes are set up with 'redlock init'" doctor --adopt
  refused 64 "not needed: redlock asks no question" init --force
  refused 64 "not needed: redlock asks no question" init --yes
  refused 64 "'redlock init'" setup
}
