#!/usr/bin/env bats
# redlock lab: real servers for one command, and nothing left of them whatever happens.

# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

load helper

# For the command in the lab: tells who its nodes are, then waits to be ended.
TELL_AND_WAIT='cat "$REDLOCK_LAB_DIR"/node-*.pid >pids; echo "$REDLOCK_LAB_DIR" >folder; echo $$ >ready; exec sleep 600'

# start_lab ARG...: a lab in the background whose command waits; sets lab, folder and pids.
start_lab() {
  "$REDLOCK" lab "$@" -- sh -c "$TELL_AND_WAIT" 3>&- &
  lab=$!
  wait_until test -s ready
  folder=$(cat folder)
  mapfile -t pids <pids
}

all_gone() {
  local pid
  for pid in "${pids[@]}" "$(cat ready)"; do gone "$pid" || return 1; done
  [ ! -e "$folder" ]
}

@test "the command runs with five nodes that answer, and its exit code is ours" {
  run redlock lab -- sh -c 'IFS=,; for url in $REDLOCK_NODES; do '"$CLI"' -s "${url#unix://}" PING; done; exit 7'
  [ "$status" -eq 7 ]
  [ "$output" = $'PONG\nPONG\nPONG\nPONG\nPONG' ]
}

@test "--nodes and --tcp: as many as asked for, on ports of the loopback" {
  run redlock lab --nodes 3 --tcp -- sh -c 'IFS=,; for url in $REDLOCK_NODES; do '"$CLI"' -p "${url##*:}" CONFIG GET bind; done'
  [ "$status" -eq 0 ]
  [ "$(grep -c '^127.0.0.1$' <<<"$output")" -eq 3 ]
}

@test "a dead command: 128 plus the signal, or the same death" {
  run died_of "$REDLOCK" lab --nodes 1 -- sh -c 'kill -KILL $$'
  [ "$output" = "exit 137" ]
  run died_of "$REDLOCK" lab --nodes 1 -- sh -c 'kill -INT $$'
  [ "$output" = "signal 2" ]
}

@test "what cannot be executed: 126 and 127, told apart from the command's own" {
  touch plain
  run redlock lab --nodes 1 -- ./plain
  [ "$status" -eq 126 ]
  [[ $output == "redlock: "*"./plain"* ]]
  run -127 redlock lab --nodes 1 -- ./missing
  run -127 redlock lab --nodes 1 -- sh -c 'exit 127'
  [ "$output" = "" ]
}

@test "TERM and HUP are passed on, and all is gone afterwards" {
  for signal in TERM HUP; do
    rm -f ready
    start_lab --nodes 3
    kill -"$signal" "$lab"
    code=0
    wait "$lab" || code=$?
    [ "$code" -eq $((128 + $(kill -l "$signal"))) ]
    all_gone
  done
}

@test "a signal before the command starts: no command, nothing left" {
  mkdir slow
  printf '#!/bin/sh\necho $$ >%s/started\nexec sleep 600\n' "$PWD" >slow/redis-server
  chmod +x slow/redis-server
  PATH=$PWD/slow:$PATH "$REDLOCK" lab --nodes 1 -- touch ran 3>&- &
  lab=$!
  wait_until test -s started
  kill -TERM "$lab"
  code=0
  wait "$lab" || code=$?
  [ "$code" -eq 143 ]
  [ ! -e ran ]
  gone "$(cat started)"
}

@test "KILL: servers, command and folder go all the same" {
  start_lab
  kill -KILL "$lab"
  wait_until all_gone
}

@test "KILL with a stopped server: all the same" {
  start_lab --nodes 2
  kill -STOP "${pids[0]}"
  kill -KILL "$lab"
  wait_until all_gone
}

@test "who reads our output reads its end: nobody else holds it open" {
  run timeout 60 sh -c '"$0" lab --nodes 2 -- echo hello | cat' "$REDLOCK"
  [ "$status" -eq 0 ]
  [ "$output" = hello ]
  # The same after KILL, with a descriptor of the user's that servers and janitor must not keep either.
  timeout 60 sh -c '"$0" lab --nodes 2 -- sh -c "$1" 9>&1 | cat' "$REDLOCK" "$TELL_AND_WAIT" 3>&- &
  pipe=$!
  wait_until test -s ready
  folder=$(cat folder)
  mapfile -t pids <pids
  for pid in "${pids[@]}"; do [ "$(readlink "/proc/$pid/fd/9")" != "$(readlink "/proc/$(cat ready)/fd/9")" ]; done
  kill -KILL "$(ps -o ppid= -p "$(cat ready)")"
  wait "$pipe" || true
  wait_until all_gone
}

@test "a node that the command kills is dead, the others live, the exit code is the command's" {
  run redlock lab --nodes 3 -- sh -c 'kill -KILL "$(cat "$REDLOCK_LAB_DIR/node-2.pid")"
    while kill -0 "$(cat "$REDLOCK_LAB_DIR/node-2.pid")" 2>/dev/null; do sleep 0.01; done
    '"$CLI"' -s "$REDLOCK_LAB_DIR/node-3.sock" PING'
  [ "$status" -eq 0 ]
  [ "$output" = PONG ]
}

@test "a TMPDIR that is too long for a socket, or odd in a URL: /tmp instead" {
  long=$TMPDIR/$(printf 'x%.0s' {1..90})
  for odd in "$long" "$TMPDIR/a b,c"; do
    TMPDIR=$odd run redlock lab --nodes 1 -- sh -c 'echo "$REDLOCK_LAB_DIR"'
    [ "$status" -eq 0 ]
    [[ $output == /tmp/redlock-lab.* ]]
    [ ! -e "$output" ]
  done
}

@test "no server installed: what to install, exit 69" {
  PATH=/nowhere run "$REDLOCK" lab -- /bin/true
  [ "$status" -eq 69 ]
  [[ $output == "redlock: "*"redis-server"*"valkey-server"*"install"* ]]
}

@test "valkey-server will do" {
  mkdir bin
  ln -s "$SERVER" bin/valkey-server
  PATH=$PWD/bin run "$REDLOCK" lab --nodes 1 -- /bin/true
  [ "$status" -eq 0 ]
}

@test "a server that does not start: the end of its log, exit 69" {
  mkdir bin
  printf '#!/bin/sh\necho "out of \033luck"\nexit 3\n' >bin/redis-server
  chmod +x bin/redis-server
  for kind in '' --tcp; do
    # shellcheck disable=SC2086 # nothing, or an option
    PATH=$PWD/bin:$PATH run "$REDLOCK" lab --nodes 2 $kind -- touch ran
    [ "$status" -eq 69 ]
    [[ $output == *"node 1"*'out of \x1Bluck'* ]]
    [ ! -e ran ]
  done
}

@test "two labs at once do not meet" {
  "$REDLOCK" lab --tcp -- sleep 600 3>&- &
  one=$!
  run redlock lab --tcp -- sh -c 'echo "$REDLOCK_NODES"'
  [ "$status" -eq 0 ]
  [ "$(tr , '\n' <<<"$output" | sort -u | wc -l)" -eq 5 ]
  kill -TERM "$one"
  wait "$one" || [ $? -eq 143 ]
}

@test "on a terminal: a hint for the shell; Ctrl-C ends the command, then all is gone" {
  SHELL=/bin/sh PS1='>' run on_terminal "wait:leave_with type:echo_a\$((1+1))b wait:a2b type:exit" "$REDLOCK" lab --nodes 2
  [[ $output == *"redlock: lab: 2 nodes"*"exit 0" ]]
  run on_terminal "wait:ready key:c" "$REDLOCK" lab --nodes 2 -- sh -c 'echo ready; exec sleep 600'
  [[ $output == *"signal 2" ]]
}

@test "on a terminal: servers do not get Ctrl-C" {
  run on_terminal "wait:ready key:c wait:PONG" "$REDLOCK" lab --nodes 2 -- sh -c 'trap "n=1" INT; echo ready
    while [ -z "$n" ]; do sleep 0.01; done
    '"$CLI"' -s "$REDLOCK_LAB_DIR/node-1.sock" PING'
  [[ $output == *PONG*"exit 0" ]]
}

@test "on a terminal: Ctrl-Z stops it all, fg goes on" {
  # Says when it was continued: only then has it surely the terminal again, and Ctrl-C is for it.
  cat >command.py <<'PYTHON'
import os, signal, time
# Not print(): the handler may come in the middle of the other one.
signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"again\n"))
os.write(1, b"ready\n")
while True:
    time.sleep(0.05) # pause() would miss a signal that comes just before it
PYTHON
  printf '#!/bin/sh\nexec "%s" lab --nodes 2 -- python3 command.py\n' "$REDLOCK" >go
  chmod +x go
  run on_terminal 'type:./go wait:ready key:z wait:Stopped wait:./go type:fg wait:again key:c type:echo_code_$? wait:code_130 type:exit_5' \
    bash --norc -i
  echo "$output"
  [[ $output == *"code 130"*"exit 5" ]]
}

@test "on a terminal that goes away: nothing left" {
  run on_terminal "wait:ready hangup" "$REDLOCK" lab --nodes 2 -- sh -c 'echo ready; exec sleep 600'
  [[ $output == *"signal 1" ]]
}
