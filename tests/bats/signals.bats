#!/usr/bin/env bats
# Signals at every stage, and the terminal: what a shell around redlock sees.
# shellcheck disable=SC2016 # the inner shells expand

load helper

setup() {
  the_setup
  start_nodes 5
}

# ended_by SIGNAL PID: sends it, waits, and fails unless the process died of it.
ended_by() {
  local code=0
  kill -"$1" "$2"
  wait "$2" || code=$?
  [ "$code" -eq $((128 + $(kill -l "$1"))) ]
}

# Nodes that take connections and requests, and answer nothing: every stage can be entered and stays.
stop_all() { for i in 1 2 3 4 5; do stop_node "$i"; done; }
continue_all() { for i in 1 2 3 4 5; do continue_node "$i"; done; }

@test "INT, TERM, HUP while connecting: death by it, no key" {
  for signal in INT TERM HUP; do
    stop_all
    background exec db -- touch ran
    sleep 0.1
    ended_by "$signal" "$!"
    continue_all
    wait_until_no_keys
  done
  [ ! -e ran ]
}

@test "INT, TERM, HUP while waiting: death by it, the holder's keys untouched" {
  for i in 1 2 3 4 5; do node_cli "$i" SET db other; done
  for signal in INT TERM HUP; do
    background exec db -- touch ran 2>err
    # It says that it waits, so it does.
    wait_until grep -q 'waiting for db' err
    ended_by "$signal" "$!"
    rm err
  done
  [ "$(value_of db | sort -u)" = other ]
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
  [ ! -e ran ]
}

@test "INT, TERM, HUP, USR1 while the command runs: it gets them, redlock dies of them, too" {
  for signal in INT TERM HUP USR1; do
    rm -f pid
    background exec db -- sh -c 'echo $$ >pid; exec sleep 600'
    wait_until test -s pid
    ended_by "$signal" "$!"
    gone "$(cat pid)"
    [ -z "$(keys_left)" ]
  done
}

@test "INT, TERM, HUP while releasing: the release is finished, then death by it" {
  for signal in INT TERM HUP; do
    background exec --node-timeout 20s db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done'
    wait_until test -e started
    wait_until eval '[ "$(holders db)" -eq 5 ]'
    sleep 0.1
    stop_all
    touch go
    sleep 0.3
    kill -"$signal" "$!"
    sleep 0.1
    continue_all
    code=0
    wait "$!" || code=$?
    [ "$code" -eq $((128 + $(kill -l "$signal"))) ]
    wait_until_no_keys
    rm -f started go
  done
}

@test "a command that catches the signal and exits n: n" {
  background exec db -- sh -c 'trap "exit 5" TERM; touch started; while :; do sleep 0.01; done'
  wait_until test -e started
  kill -TERM "$!"
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 5 ]
}

@test "every TERM is passed on, not only the first" {
  background exec db -- sh -c 'n=0; trap "n=\$((n+1)); echo \$n >count; [ \$n -lt 3 ] || exit 6" TERM
    touch started; while :; do sleep 0.01; done'
  wait_until test -e started
  for n in 1 2 3; do
    kill -TERM "$!"
    wait_until grep -qx "$n" count
  done
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 6 ]
}

@test "death by another signal: 128 plus it; by INT or QUIT of its own: the same death" {
  run died_of "$REDLOCK" exec db -- sh -c 'kill -KILL $$'
  [ "$output" = "exit 137" ]
  run died_of "$REDLOCK" exec db -- sh -c 'kill -INT $$'
  [ "$output" = "signal 2" ]
  run died_of "$REDLOCK" exec db -- sh -c 'kill -QUIT $$'
  [ "$output" = "signal 3" ]
}

@test "nohup: an ignored HUP stays ignored, for redlock and for the command" {
  nohup "$REDLOCK" exec db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done; exit 3' >nohup.out 2>&1 3>&- &
  wait_until test -e started
  kill -HUP "$!"
  touch go
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 3 ]
}

@test "redlock stopped and continued after the lease: the command is ended, not continued" {
  background exec --ttl 1s db -- sh -c 'echo $$ >pid; exec sleep 600'
  wait_until test -s pid
  kill -STOP "$!"
  wait_until eval '[ "$(holders db)" -eq 0 ]'
  kill -CONT "$!"
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 79 ]
  gone "$(cat pid)"
}

@test "acquire: INT, TERM, HUP while waiting leave no key" {
  for i in 1 2 3 4 5; do node_cli "$i" SET db other; done
  for signal in INT TERM HUP; do
    background acquire db >out 2>err
    wait_until grep -q 'waiting for db' err
    ended_by "$signal" "$!"
    [ ! -s out ]
    rm err
  done
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
}

@test "on a terminal: Ctrl-C reaches the command, redlock dies of it" {
  run on_terminal "wait:ready key:c" "$REDLOCK" exec db -- sh -c 'echo ready; exec sleep 600'
  [[ $output == *"signal 2" ]]
}

@test "on a terminal: Ctrl-C ends a loop in a script around redlock" {
  run on_terminal "wait:ready key:c" bash -c 'for i in 1 2 3; do "$0" exec db -- sh -c "echo ready; exec sleep 600"; done; echo went on' "$REDLOCK"
  [[ $output == *"signal 2" && $output != *"went on"* ]]
}

@test "on a terminal: a command that lives through Ctrl-C lives through it under redlock" {
  run on_terminal "wait:ready key:c wait:caught" "$REDLOCK" exec db -- sh -c 'trap "echo caught; exit 4" INT; echo ready; while :; do sleep 0.05; done'
  [[ $output == *"exit 4" ]]
}

@test "on a terminal: the command reads from it" {
  run on_terminal "wait:name? type:founder wait:hello_founder" "$REDLOCK" exec db -- sh -c 'echo "name?"; read -r n; echo "hello $n"'
  [[ $output == *"hello founder"*"exit 0" ]]
}

@test "on a terminal: Ctrl-Z stops both, fg goes on with both" {
  run on_terminal "wait:ready key:z wait:Stopped type:x wait:got_x" bash -ic '
    "$0" exec db -- sh -c "echo ready; read -r n; echo got \$n; exit 9"; fg; echo "code $?"; exit 5' "$REDLOCK"
  echo "$output"
  [[ $output == *"got x"*"code 9"*"exit 5" ]]
}

@test "on a terminal: stopped for longer than the lease: ended, not continued" {
  run on_terminal "wait:ready key:z wait:Stopped wait:code" bash -ic '
    "$0" exec --ttl 1s db -- sh -c "sleep 600 & echo ready; wait; echo went on"; sleep 1.5; fg; echo "code $?"; exit 5' "$REDLOCK"
  echo "$output"
  [[ $output == *"code 79"*"exit 5" && $output != *"went on
"* ]]
}

@test "on a terminal: in a pipeline the pager keeps the terminal" {
  run on_terminal "wait:ready type:word wait:pager_got_word" sh -c '"$0" exec db -- echo ready | { cat; read -r n </dev/tty; echo "pager got $n"; }' "$REDLOCK"
  [[ $output == *"pager got word"*"exit 0" ]]
}
