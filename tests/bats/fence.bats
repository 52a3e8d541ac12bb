#!/usr/bin/env bats
# The fence: a number with every grant, larger than all before it. And nodes that lost the key of a lock.
# shellcheck disable=SC2030,SC2031 # status and output are run's

load helper

setup() {
  the_setup
  start_nodes 5
}
teardown() { the_teardown; }

fence_of_one() { redlock exec db -- sh -c 'echo "$REDLOCK_FENCE"'; }
fences() { each_node GET 'redlock:{db}:fence'; }
fence_in_status() { redlock status --json db | json 'it["locks"][0]["fence"]'; }
wait_for_extend() { # of every key
  local now
  now=$(node_cli 1 PTTL db)
  wait_until ttl_above "$now"
}
ttl_above() { [ "$(node_cli 1 PTTL db)" -gt "$1" ]; }

@test "each grant has a larger fence than the one before, of exec and of acquire" {
  last=0
  for _ in 1 2 3 4; do
    fence=$(fence_of_one)
    [ "$fence" -gt "$last" ]
    last=$fence
  done
  token=$(redlock acquire --json db)
  fence=$(json 'it["fence"]' <<<"$token")
  [ "$fence" -gt "$last" ]
  [ "$(fence_in_status)" = "$fence" ]
  run redlock status db
  [[ $output == *"fence $fence; 5 of 5 nodes agree"* ]]
  redlock release -q --token "$(json 'it["token"]' <<<"$token")" db
  # A node that was not needed may have drawn a higher one.
  [ "$(fences | sort -n | sed -n 1p)" = "$fence" ]
  eval "$(redlock acquire -q --format env db)"
  [ "$REDLOCK_FENCE" -gt "$fence" ]
  redlock release -q db
  [ "$(fence_in_status)" = None ]
}

@test "the fence is on record at every node that can be reached, whatever they drew" {
  fence_of_one
  # Any three of them have drawn a larger one than the others.
  set -- 5 4000000000000000 3000000000000000 3000000000000000 900
  for i in 1 2 3 4 5; do node_cli "$i" SET 'redlock:{db}:fence' "${!i}"; done
  fence=$(fence_of_one)
  [ "$fence" -gt 3000000000000000 ]
  [ "$(fences | sort -n | sed -n 1p)" -eq "$fence" ]
}

@test "nodes that forgot everything draw no smaller fences" {
  # A client whose clock is ahead, as far as its proposals count.
  each_node SET 'redlock:{db}:fence' "$(($(date +%s%6N) + 7000000))"
  before=$(fence_of_one)
  each_node FLUSHALL
  for node in 1 2 3 4 5; do trust_node "$node"; done
  after=$(fence_of_one)
  [ "$after" -gt "$before" ]
}

@test "a lock that was never fenced: other libraries' keys have none" {
  set_all theirs PX 60000
  [ "$(fence_in_status)" = None ]
  run redlock status db
  [[ $output != *fence* ]]
  delete_all
}

@test "a fence that is no number, or too large: told, and nothing is locked" {
  each_node SET 'redlock:{db}:fence' 9007199254740991
  refused 69 'is no number below 2^53' exec -n db -- touch ran
  for found in nan inf abc '' -2 5.5; do
    each_node SET 'redlock:{db}:fence' "$found"
    refused 69 'is no number below 2^53' exec -n db -- touch ran
  done
  each_node DEL 'redlock:{db}:fence'
  each_node HSET 'redlock:{db}:fence' a b
  refused 69 'redlock:{KEY}:fence' exec -n db -- touch ran
  each_node DEL 'redlock:{db}:fence'
  for found in 1e16 nan; do
    each_node HSET 'redlock:{}:node' floor "$found"
    refused 69 'redlock:{}:node' exec -n db -- touch ran
  done
  each_node SET 'redlock:{}:node' a
  refused 69 'redlock:{}:node' exec -n db -- touch ran
  [ ! -e ran ]
}

@test "a minority of the nodes that lost the key has it again after a renewal" {
  export REDLOCK_RESTART_GUARD=off # or it would not count for an hour
  background exec --ttl 3s db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.05; done'
  wait_until test -e started
  held=$(node_cli 1 GET db)
  node_cli 4 FLUSHALL
  node_cli 5 DEL db
  is_back() { [ "$(node_cli 4 GET db)" = "$held" ] && [ "$(node_cli 5 GET db)" = "$held" ]; }
  wait_until is_back
  # And they count: two others may go now.
  wait_for_extend
  node_cli 1 DEL db
  node_cli 2 DEL db
  is_back_there() { [ "$(node_cli 1 GET db)" = "$held" ] && [ "$(node_cli 2 GET db)" = "$held" ]; }
  wait_until is_back_there
  touch go
  wait $!
}

@test "a majority that lost the key: the lock is lost, and what was set anew goes" {
  background exec --ttl 3s db -- sh -c 'touch started; sleep 60'
  wait_until test -e started
  for i in 1 2 3; do node_cli "$i" DEL db >/dev/null; done
  code=0
  wait $! || code=$?
  [ "$code" -eq 79 ]
  wait_until_no_keys
}

@test "extend by hand sets nothing anew" {
  token=$(acquire_on_all --ttl 20s db)
  node_cli 2 DEL db
  redlock extend -q --token "$token" --ttl 20s db
  [ "$(node_cli 2 EXISTS db)" -eq 0 ]
  redlock release -q --token "$token" db
}

@test "a fence key that somebody else has overwritten does not end a lease" {
  token=$(acquire_on_all --ttl 20s db)
  for i in 1 2 3 4 5; do
    node_cli "$i" DEL 'redlock:{db}:fence'
    node_cli "$i" HSET 'redlock:{db}:fence' a b
  done
  run redlock status db
  [[ ${lines[0]} == 'db: held by '* ]]
  redlock extend -q --token "$token" --ttl 20s db
  redlock release -q --token "$token" db
}
