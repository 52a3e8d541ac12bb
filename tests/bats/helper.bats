#!/usr/bin/env bats
# The helper itself: tests do not see the caller's settings, every wait ends, and nothing is left of a run that is killed.
# Each test here runs bats on a file of its own.
# shellcheck disable=SC2016 # the inner shells expand

load helper

# inner_file: a file of tests from stdin. There "a test" stands for @test, which bats would take for one of this file.
inner_file() {
  mkdir inner
  { printf 'load "%s"\n' "$TEST_ROOT/tests/bats/helper" && sed 's/^a test /@test /'; } >inner/file.bats
}
# inner [VARIABLE=VALUE]...: runs that file.
inner() {
  local name others=()
  for name in $(compgen -e BATS_) REDLOCK_TEST_MARK; do others+=(-u "$name"); done
  env "${others[@]}" TMPDIR="$PWD/inner" REDLOCK="$REDLOCK" "$@" bats --formatter tap inner/file.bats 3>&-
}
only_the_file_is_left() { [ "$(ls -A inner)" = file.bats ]; }

@test "signals that the caller ignores: a test has them" {
  inner_file <<'BATS'
a test "default" { [ "$(grep -c '^Sig\(Ign\|Blk\):.*0000000000000000' /proc/self/status)" -eq 2 ]; }
BATS
  (
    trap '' HUP INT QUIT TERM USR1 PIPE
    inner >out 2>&1 # not run: the substitution would be a shell of its own
  ) || { cat out && false; }
  python3 -c 'import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP, signal.SIGUSR1])
os.execvp(sys.argv[1], sys.argv[1:])' bash -c "$(declare -f inner); inner" >out 2>&1 || { cat out && false; }
}

@test "variables, umask, stdin and a long TMPDIR of the caller: a test has its own" {
  inner_file <<'BATS'
setup() { the_setup; start_nodes 3; }
a test "its own" {
  [ "$(umask)" = 0022 ]
  read -r line || [ "$line" = "" ]
  [ "$(redlock exec db -- sh -c 'echo $REDLOCK_TTL_MS')" = 30000 ]
}
BATS
  long=$PWD/inner/$(printf 'x%.0s' {1..100})
  mkdir "$long"
  (
    umask 077
    unset LOGNAME
    inner TMPDIR="$long" REDLOCK_TTL=7s REDLOCK_NEW=x REDISCLI_AUTH=x LC_ALL=C.UTF-8 LANGUAGE=de <&- >out 2>&1
  ) || { cat out && false; }
  wait_until rmdir "$long"
}

@test "a test that hangs is ended and says what it waited for; the next one runs" {
  inner_file <<'BATS'
a test "hangs" { run sleep 654; [ "$status" -eq 0 ]; }
a test "runs" { true; }
BATS
  run inner TEST_LIMIT=1
  echo "$output"
  [ "$status" -ne 0 ]
  [[ $output == *'not ok 1 hangs'*'after 1 s still running, and killed: '*'sleep 654'*'ok 2 runs'* ]]
  wait_until only_the_file_is_left
}

@test "wait ends: it says for what it waited" {
  sleep 654 &
  code=0
  PATIENCE=0 wait "$!" >out || code=$?
  [ "$code" -eq 124 ]
  [[ $(cat out) == *'still running: '*'sleep 654' ]]
  kill "$!"
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 143 ]
  sh -c 'exit 7' 3>&- &
  wait_until gone "$!"
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 7 ]
}

@test "bats is killed: no process and no folder is left" {
  inner_file <<'BATS'
a test "runs" {
  start_nodes 3
  background exec db -- sh -c 'setsid sleep 654 & echo $! >>pids; exec sleep 654'
  echo $! >>pids
  until [ -e go ]; do sleep 0.05; done 3>&- &
  printf '%s\n' $! $$ "${NODE_PIDS[@]}" >>pids
  wait_until eval '[ "$(wc -l <pids)" -eq 7 ]'
  mv pids "$OUTER/all"
  wait "$!"
}
BATS
  for signal in TERM HUP KILL; do
    inner OUTER="$PWD" >out 2>&1 &
    wait_until test -s all
    mapfile -t pids <all
    rm all
    root=$(pgrep -P "$!" || echo "$!") # bats, or the shell that waits for it
    kill -"$signal" "$root"
    for pid in "${pids[@]}"; do wait_until gone "$pid"; done
    wait_until only_the_file_is_left
    wait "$!" 2>/dev/null || true
  done
}
