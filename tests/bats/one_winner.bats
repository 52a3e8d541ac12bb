#!/usr/bin/env bats
# Clients that do not wait and want a free lock at the same instant, while one of three nodes is silent: in each round
# somebody wins, and never two. ROUNDS (15): how many.
# shellcheck disable=SC2030,SC2031 # a test is a subshell

load helper

setup() {
  the_setup
  ROUNDS=${ROUNDS:-15}
  CLIENTS=5
  start_nodes 3
}

# client I: waits at the barrier, a FIFO that opens for all of them at once, then tries. Its exit code goes to "codes".
# The witness is flock: it refuses where somebody else is inside. The winner stays until all others have ended.
client() {
  local code=0
  read -r <barrier || true
  timeout "$PATIENCE" "$REDLOCK" exec -n -q race -- flock -n -E 9 witness sh -c \
    'echo "$REDLOCK_FENCE" >>log; until [ "$(wc -l <codes)" -ge '$((CLIENTS - 1))' ]; do sleep 0.01; done' 3>&- || code=$?
  echo "$code" >>codes
}

# one_round: leaves the exit codes in "codes" and a line for each winner in "log".
one_round() {
  local i opened
  rm -f barrier
  mkfifo barrier
  : >codes
  : >log
  for ((i = 0; i < CLIENTS; ++i)); do client & done
  exec {opened}<>barrier
  wait_until all_at_the_barrier
  exec {opened}>&-
  wait
}
# All have opened it and sleep in read(2).
all_at_the_barrier() {
  local pid
  for pid in $(jobs -p); do [ "$(readlink "/proc/$pid/fd/0")" = "$PWD/barrier" ] || return 1; done
}

one_winner_in_each_round() {
  local round nobody=0 two=0
  for ((round = 1; round <= ROUNDS; ++round)); do
    one_round
    case $(grep -cx 0 codes) in
      0) nobody=$((nobody + 1)) ;;
      1) ;;
      *) two=$((two + 1)) ;;
    esac
    # 9: two were inside at once. Everybody else was told that the lock is busy.
    if grep -qx 9 codes || [ "$(wc -l <log)" -gt 1 ]; then two=$((two + 1)); fi
    sort -n codes | uniq -c | xargs echo "round $round:"
  done
  echo "$ROUNDS rounds: $nobody without a winner, $two with two"
  [ "$two" -eq 0 ]
  [ "$nobody" -eq 0 ]
}

@test "three nodes, one of them stopped, five clients with -n at the same instant: one winner in each round" {
  stop_node 3
  one_winner_in_each_round
  continue_node 3
  wait_until_no_keys
}

@test "three nodes that answer, five clients with -n at the same instant: one winner in each round" {
  one_winner_in_each_round
  wait_until_no_keys
}
