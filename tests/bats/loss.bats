#!/usr/bin/env bats
# redlock exec when the lock, a node or redlock itself is lost under a running command, on five real nodes.
# shellcheck disable=SC2016 # the inner shells expand

load helper

setup() {
  the_setup
  start_nodes 5
}

STUBBORN='import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    with open("alive.new", "w") as f: f.write(str(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000))
    os.replace("alive.new", "alive")
    open("started", "w").close()
    time.sleep(0.01)'
now_ms() { python3 -c 'import time; print(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000000)'; }

@test "the keys of all nodes deleted: a command that ignores TERM is dead at the next renewal, 79, told why" {
  background exec --ttl 6s db -- python3 -c "$STUBBORN" 2>err
  wait_until test -e started
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
  code=0
  wait "$!" || code=$?
  cat err
  [ "$code" -eq 79 ]
  grep -q 'db was lost: too few nodes still held it' err
  [ "$(grep -c 'the key was gone, and was set again' err)" -ge 3 ]
}

@test "three nodes stopped: a command that ignores TERM is dead before its keys end, 79, told why" {
  background exec --ttl 3s db -- python3 -c "$STUBBORN" 2>err
  wait_until test -e started
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  for i in 1 2 3; do stop_node "$i"; done
  stopped=$(now_ms)
  code=0
  wait "$!" || code=$?
  cat err
  [ "$code" -eq 79 ]
  # No quorum was renewed after `stopped`, so its keys live until stopped + ttl at the latest.
  [ "$(cat alive)" -lt $((stopped + 3000)) ]
  grep -q 'db was lost: it could not be renewed in time' err
  [ "$(grep -c 'no answer' err)" -ge 1 ]
  for i in 1 2 3; do continue_node "$i"; done
  wait_until_no_keys
}

@test "a lost lock kills all of the command's group, and overrides its exit code" {
  background exec --ttl 2s db -- sh -c 'trap "exit 0" TERM; sleep 600 & echo $! >child; touch started; wait'
  wait_until test -e started
  for i in 1 2 3 4 5; do node_cli "$i" SET db thief PX 60000; done
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 79 ]
  gone "$(cat child)"
  [ "$(value_of db | sort -u)" = thief ]
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
}

@test "a lost lock kills what has left the command's group and session" {
  background exec --ttl 2s db -- sh -c 'setsid sleep 600 & echo $! >a; timeout 600 sleep 601 & echo $! >b
    touch started; wait'
  wait_until test -e started
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 79 ]
  gone "$(cat a)"
  gone "$(cat b)"
}

@test "a lost lock kills daemons and what nohup started, but not what another process starts for the command" {
  # In the place of sshd, dockerd, systemd or atd.
  mkfifo asked
  sh -c 'read -r _ <asked; sleep 600 & echo $! >outside; wait' 3>&- &
  daemon='import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("daemon", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
os.wait()'
  background exec --ttl 2s db -- sh -c 'python3 -c "$1"; nohup sleep 601 >out 2>&1 & echo $! >nohup
    echo go >asked; touch started; wait; sleep 600' - "$daemon"
  holder=$!
  wait_until test -e started -a -s daemon -a -s outside
  [ "$(ps -o ppid= -p "$(cat daemon)" | tr -d ' ')" = "$holder" ]
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
  code=0
  wait "$holder" || code=$?
  [ "$code" -eq 79 ]
  gone "$(cat daemon)"
  gone "$(cat nohup)"
  run ! gone "$(cat outside)"
  kill "$(cat outside)"
}

@test "-k gives the command time between TERM and KILL; --signal is sent first" {
  background exec --ttl 4s -k 1s --signal USR1 db -- sh -c 'trap "touch asked; exit 0" USR1; touch started; while :; do sleep 0.01; done'
  wait_until test -e started
  for i in 1 2 3; do stop_node "$i"; done
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 79 ]
  [ -e asked ]
  for i in 1 2 3; do continue_node "$i"; done
  wait_until_no_keys
}

@test "redlock killed: so is its command; the key goes with its ttl" {
  background exec --ttl 1s db -- sh -c 'echo $$ >pid; exec sleep 600'
  wait_until test -s pid
  kill -KILL "$!"
  wait_until gone "$(cat pid)"
  wait_until_no_keys
}

@test "a job that ends by itself while a majority is silent: its code, and a warning" {
  redlock exec --ttl 4s db -- true # warm
  background exec --ttl 4s db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done; exit 3' 2>err
  wait_until test -e started
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  for i in 1 2 3; do stop_node "$i"; done
  touch go
  code=0
  wait "$!" || code=$?
  for i in 1 2 3; do continue_node "$i"; done
  [ "$code" -eq 3 ]
  grep -q 'warning: db could not be released' err
  wait_until_no_keys
}

@test "a lock that was taken away unnoticed is found lost when it is given back: 79, whatever the job says" {
  background exec --ttl 60s db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done' 2>err
  wait_until test -e started
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  for i in 1 2 3; do node_cli "$i" SET db thief PX 60000; done
  touch go
  code=0
  wait "$!" || code=$?
  cat err
  [ "$code" -eq 79 ]
  grep -q 'db was lost while the command ran' err
  [ "$(grep -c 'now held by "thief"' err)" -eq 3 ]
  for i in 1 2 3; do node_cli "$i" DEL db; done
}

@test "a command of another user, which may not be signalled: said at once, and the lock is not given back" {
  [ "$(id -u)" -eq 0 ] || skip "needs root, to make a program that changes its user"
  cp "$(command -v setpriv)" as_root
  chmod u+s,go+rx as_root . "$BATS_TEST_TMPDIR"
  setpriv --reuid 65534 --clear-groups ./as_root --reuid 0 true || skip "set-user-ID programs do not work here"
  setpriv --reuid 65534 --clear-groups "$REDLOCK" --version || skip "nobody may run $REDLOCK"
  chmod o+w .
  start_nodes 5 tcp # the sockets are root's
  setpriv --reuid 65534 --clear-groups "$REDLOCK" exec --ttl 2s db -- ./as_root --reuid 0 \
    python3 -c 'import os, time; open("pid", "w").write(str(os.getpid())); time.sleep(600)' 2>err 3>&- &
  wait_until test -s pid
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
  wait_until grep -q 'CANNOT BE KILLED and still runs' err
  kill -KILL "$(cat pid)"
  code=0
  wait "$!" || code=$?
  cat err
  [ "$code" -eq 79 ]
  grep -q 'db was lost: too few nodes still held it; the command could not be killed in time, and then died of KILL' err
}

@test "a full stderr does not keep the command alive" {
  # Nobody reads the pipe, and it is full before anything goes wrong.
  mkfifo pipe
  sleep 600 <>pipe 3>&- &
  sleeper=$!
  background exec --ttl 2s db -- sh -c 'echo $$ >pid; exec sleep 600' 2>pipe
  wait_until test -s pid
  timeout 1 dd if=/dev/zero of=pipe bs=4096 oflag=nonblock status=none 2>/dev/null || true
  for i in 1 2 3 4 5; do node_cli "$i" DEL db; done
  wait_until gone "$(cat pid)"
  code=0
  wait "$!" || code=$?
  kill "$sleeper"
  [ "$code" -eq 79 ]
}

@test "a stall longer than the lease, a renewal on its way: told as a stall, and not as a clock" {
  background exec --ttl 8s --node-timeout 2s db -- sh -c 'touch started; exec sleep 600' 2>err
  wait_until test -e started
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  for i in 1 2 3 4; do stop_node "$i"; done
  before=$(renewed 5)
  wait_until renewals 5 $((before + 1)) # the others have it in their sockets
  kill -STOP "$!"
  for i in 1 2 3 4; do continue_node "$i"; done
  for i in 1 2 3 4; do wait_until renewals "$i" 1; done
  wait_until eval '[ "$(holders db)" -eq 0 ]'
  kill -CONT "$!"
  code=0
  wait "$!" || code=$?
  cat err
  [ "$code" -eq 79 ]
  grep -qE '^redlock: db was lost: redlock or the machine stood still for [0-9.]+ s, too long for its lease; the command was ended by KILL$' err
}

@test "the command ends by itself while redlock is stopped beyond the lease: told so, with its code; 79" {
  background exec --ttl 2s db -- sh -c 'touch started; until [ -e go ]; do sleep 0.01; done; exit 3' 2>err
  wait_until test -e started
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  kill -STOP "$!"
  touch go
  wait_until eval '[ "$(holders db)" -eq 0 ]'
  kill -CONT "$!"
  code=0
  wait "$!" || code=$?
  cat err
  [ "$code" -eq 79 ]
  grep -qE '^redlock: db was lost: redlock or the machine stood still for [0-9.]+ m?s, too long for its lease; the command ended with code 3 before redlock could end it$' err
}

@test "a command that ends well when it is told to: told so, and that the lock was lost" {
  background exec --ttl 3s db -- sh -c 'trap "exit 0" TERM; touch started; while :; do sleep 0.01; done' 2>err
  wait_until test -e started
  for i in 1 2 3; do stop_node "$i"; done
  code=0
  wait "$!" || code=$?
  cat err
  [ "$code" -eq 79 ]
  grep -q 'db was lost: it could not be renewed in time; the command was sent TERM, and ended with code 0' err
  for i in 1 2 3; do continue_node "$i"; done
  wait_until_no_keys
}
