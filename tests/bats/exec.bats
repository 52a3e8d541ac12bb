#!/usr/bin/env bats
# redlock exec: the command's life under the lock, on five real nodes.
# shellcheck disable=SC2016 # the inner shells expand

load helper

setup() {
  the_setup
  start_nodes 5
}

@test "the command runs as it was given, its exit code is ours, nothing is left" {
  run redlock exec db -- sh -c 'printf "%s|" "$@"; exit 7' sh 'a b' '' '--' '$HOME'
  [ "$status" -eq 7 ]
  [ "$output" = 'a b||--|$HOME|' ]
  run redlock exec db sh -c 'exit 0' -- -n
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
}

@test "stdin, stdout and stderr are the command's own" {
  run bash -c 'echo question | "$1" exec db -- sh -c "cat; echo answer >&2" 2>err' - "$REDLOCK"
  [ "$output" = question ]
  [ "$(cat err)" = answer ]
}

@test "the command is told the lock's name, its token and the lease's length" {
  run redlock exec db --ttl 12s -- sh -c '
    echo "$REDLOCK_NAME $REDLOCK_TTL_MS"; echo "$REDLOCK_TOKEN" >token
    '"$CLI"' -s "${0#unix://}" GET db >stored' "${REDLOCK_NODES%%,*}"
  [ "$output" = "db 12000" ]
  [ "$(cat token)" = "$(cat stored)" ]
  [[ $(cat token) =~ ^[A-Za-z0-9@%._:-]{32,256}$ ]]
}

@test "while the command runs the key is on all nodes, with a time to live; --prefix goes before it" {
  background exec --prefix app: db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done'
  wait_until test -e started
  wait_until eval '[ "$(holders app:db)" -eq 5 ]'
  left=$(node_cli 3 PTTL app:db)
  [ "$left" -gt 0 ]
  [ "$left" -le 30000 ]
  touch go
  wait "$!"
  [ "$(holders app:db)" -eq 0 ]
}

@test "two never overlap; the second starts when the first ends" {
  # flock is the witness: it fails where two are inside at once.
  touch witness
  for worker in 1 2 3 4; do
    for turn in 1 2 3 4 5; do
      redlock exec db -- flock -n witness sh -c 'echo in >>log; sleep 0.02; echo out >>log' || echo "$worker.$turn" >>failed
    done 3>&- &
  done
  wait
  [ ! -e failed ]
  [ "$(grep -c in log)" -eq 20 ]
  [ "$(paste -d, - - <log | sort -u)" = "in,out" ]
}

@test "-n: busy is 75 at once and says who holds it; -E chooses the code; --quiet is silent" {
  background exec db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done'
  wait_until test -e started
  run redlock exec -n db -- touch ran
  [ "$status" -eq 75 ]
  [[ $output == "redlock: db is busy: held by "*"(pid $!)"* ]]
  run redlock exec -n -E 3 -q db -- touch ran
  [ "$status" -eq 3 ]
  [ "$output" = "" ]
  [ ! -e ran ]
  touch go
  wait "$!"
}

@test "-w 2: 75, not before two seconds are over" {
  node_cli 1 MSET db other x x; for i in 2 3 4; do node_cli "$i" SET db other; done
  before=$(date +%s%N)
  run redlock exec -w 2 db -- touch ran
  [ "$status" -eq 75 ]
  [ $(($(date +%s%N) - before)) -ge 2000000000 ]
  [[ $output == *'held by "other"'*"gave up after 2 s"* ]]
  [ ! -e ran ]
  [ "$(holders db)" -eq 4 ]
  for i in 1 2 3 4; do node_cli "$i" DEL db x; done
}

@test "who waits gets it when the holder's key expires" {
  for i in 1 2 3 4 5; do node_cli "$i" SET db other PX 700; done
  run redlock exec -w 50 db -- echo ran
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" = ran ]
}

@test "one and two of five nodes stopped: as with all five" {
  for bad in 1 2; do
    stop_node "$bad"
    run redlock exec -w 50 db -- echo ran
    [ "$status" -eq 0 ]
    [ "$output" = ran ]
  done
  # What was asked of the stopped ones meanwhile leaves nothing behind once they go on.
  continue_node 1
  continue_node 2
  wait_until_no_keys
}

@test "one and two of five nodes gone: as with all five" {
  for bad in 4 5; do
    kill_node "$bad"
    run redlock exec db -- echo ran
    [ "$status" -eq 0 ]
    [ "$output" = ran ]
  done
}

@test "refused ports and hosts that swallow everything: as with all five" {
  hole=$(free_port)
  python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(0)
fill = [socket.socket() for _ in range(4)]
for f in fill: f.setblocking(False); f.connect_ex(s.getsockname())
open("listening", "w"); time.sleep(600)' "$hole" 3>&- &
  wait_until test -e listening
  nodes=$REDLOCK_NODES
  REDLOCK_NODES=redis://127.0.0.1:$hole,redis://127.0.0.1:$(free_port),${nodes#*,*,} run redlock exec db -- echo ran
  kill "$!"
  [ "$status" -eq 0 ]
  [ "$output" = ran ]
}

@test "three of five gone: 69, with each node's failure; -n after one round, else after one ttl" {
  kill_node 1
  kill_node 2
  stop_node 3
  run redlock exec -n db -- touch ran
  [ "$status" -eq 69 ]
  [[ $output == *"needs 3 of 5"* ]]
  [ "$(grep -c 'nobody listens on the socket' <<<"$output")" -eq 2 ]
  [[ $output == *"/nodes/3"*"no answer within"* ]]
  run redlock exec --ttl 1s db -- touch ran
  [ "$status" -eq 69 ]
  run redlock exec --ttl 1s -w 50 db -- touch ran
  [ "$status" -eq 69 ]
  [ ! -e ran ]
  continue_node 3
  wait_until_no_keys
}

@test "nodes that refuse before the first turn of the loop: 69, no hang" {
  for count in 1 3; do
    closed=()
    for ((i = 0; i < count; ++i)); do closed+=(-S "redis://127.0.0.1:$(free_port)"); done
    run timeout 60 "$REDLOCK" exec -n "${closed[@]}" db -- touch ran
    [ "$status" -eq 69 ]
    [[ $output == *"connection refused"* ]]
  done
  [ ! -e ran ]
}

@test "renewal: the lock outlives its ttl while the command runs" {
  background exec --ttl 2s db -- sh -c 'sleep 5; touch ended'
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  while ! gone "$!"; do
    run redlock exec -n db -- touch stolen
    [ "$status" -eq 75 ] || [ -e ended ]
    sleep 0.1
  done
  wait "$!"
}

@test "the last third of five nodes may fail under a running command" {
  background exec --ttl 2s db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done; exit 4'
  wait_until test -e started
  kill_node 2
  stop_node 5
  sleep 4.5
  gone "$!" && false
  touch go
  wait "$!" || [ $? -eq 4 ]
  continue_node 5
  wait_until_no_keys
}

# Writes the time, in ms since boot, for as long as it lives; deaf to TERM.
@test "a terminal that takes no output (Ctrl-S) keeps nobody from giving up in time" {
  redlock acquire -q --token-file token db
  run on_terminal 'wait:waiting key:s' \
    sh -c '"$1" exec -w 4 db true; echo "code $?" >result' sh "$REDLOCK"
  [ "$(cat result)" = "code 75" ]
  redlock release --token-file token db
  rm token
}

@test "cannot be executed 126, not found 127, and the command's own 127" {
  touch plain
  run redlock exec db -- ./plain
  [ "$status" -eq 126 ]
  [[ $output == "redlock: cannot execute './plain': Permission denied"* ]]
  run redlock exec db -- /
  [ "$status" -eq 126 ]
  run -127 redlock exec db -- ./missing
  [ "$status" -eq 127 ]
  [[ $output == "redlock: cannot execute './missing': No such file"* ]]
  run -127 redlock exec db -- sh -c 'exit 127'
  [ "$status" -eq 127 ]
  [ "$output" = "" ]
}

@test "-c: a shell line, by \$SHELL or /bin/sh" {
  SHELL=/bin/bash run redlock exec db -c 'echo "$0 ${BASH_VERSION:+bash}" | cat'
  [[ $output == *"bash" ]]
  unset SHELL
  run redlock exec db -c 'echo a  b; exit 3'
  [ "$status" -eq 3 ]
  [ "$output" = "a b" ]
}

@test "no descriptor of redlock's reaches the command" {
  before=$(bash -c 'ls -l /proc/self/fd' 2>&1 | wc -l)
  run redlock exec db -- bash -c 'ls -l /proc/self/fd' 2>&1
  [ "${#lines[@]}" -eq "$before" ]
  [[ $output != *socket:* && $output != *signalfd* && $output != *timerfd* ]]
}

@test "closed standard streams stay closed for the command, and nothing is said into a connection" {
  run bash -c '"$1" exec db -- sh -c "ls /proc/self/fd | tr \"\n\" \" \" >fds" <&- 2>&-' - "$REDLOCK"
  [ "$status" -eq 0 ]
  run -127 bash -c '"$1" exec -n db -- ./missing <&- >&- 2>&-' - "$REDLOCK"
  [ "$status" -eq 127 ]
}

@test "a wrong password on a majority: 77 at once, with the node's words; the secret is not told" {
  for i in 1 2 3; do node_cli "$i" CONFIG SET requirepass sesame; done
  run redlock exec db -- touch ran
  [ "$status" -eq 77 ]
  [[ $output == *NOAUTH* ]]
  REDLOCK_NODES=${REDLOCK_NODES//unix:\/\//unix://:wrong-one@} run redlock exec -v db -- touch ran
  [ "$status" -eq 77 ]
  [[ $output == *WRONGPASS* && $output != *wrong-one* ]]
  run redlock exec -n -S "${REDLOCK_NODES//unix:\/\//unix://:sesame@}" db -- true
  [[ $output == *"command line"* && $output != *sesame* ]]
  [ ! -e ran ]
  for i in 1 2 3; do node_cli "$i" -a sesame --no-auth-warning CONFIG SET requirepass ''; done
}

@test "another database: the key is there and only there" {
  in_db_3=$(sed 's/$/?db=3/; s/,/?db=3,/g' <<<"$REDLOCK_NODES")
  REDLOCK_NODES=$in_db_3 redlock init -q # each database has a marker of its own
  REDLOCK_NODES=$in_db_3 run redlock exec db -- "$CLI" -s "${NODE_ADDRESSES[1]}" -n 3 EXISTS db
  [ "$output" = 1 ]
  REDLOCK_NODES=$in_db_3 run redlock exec db -- "$CLI" -s "${NODE_ADDRESSES[1]}" EXISTS db
  [ "$output" = 0 ]
}
