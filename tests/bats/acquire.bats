#!/usr/bin/env bats
# redlock acquire and release, on five real nodes.

load helper

setup() {
  the_setup
  start_nodes 5
}

@test "acquire prints the token alone on stdout and leaves the lock held; release gives it back" {
  token=$(redlock acquire db 2>err)
  [[ $token =~ ^[0-9a-f]{32}\.[A-Za-z0-9@%._:-]+$ ]]
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  [ "$(value_of db | sort -u)" = "$token" ]
  grep -q 'the lease ends in' err
  run redlock release --token "$token" db
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
}

@test "release takes the token from REDLOCK_TOKEN when REDLOCK_NAME is this name" {
  token=$(redlock acquire -q db)
  REDLOCK_TOKEN=$token REDLOCK_NAME=other run redlock release db
  [ "$status" -eq 64 ]
  REDLOCK_TOKEN=$token REDLOCK_NAME=db run redlock release db
  [ "$status" -eq 0 ]
}

@test "acquire -n of a held lock: 75, nothing on stdout, the holder's keys untouched" {
  token=$(redlock acquire -q db)
  run --separate-stderr redlock acquire -n db
  [ "$status" -eq 75 ]
  [ "$output" = "" ]
  # shellcheck disable=SC2154 # set by run
  [[ $stderr == *"db is busy: held by"* ]]
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  [ "$(value_of db | sort -u)" = "$token" ]
  redlock release --token "$token" db
}

@test "release with another's token or of a free lock: 79, nothing is removed" {
  run redlock release --token 0123456789 db
  [ "$status" -eq 79 ]
  [[ $output == *"was not held with this token: its lease has ended, it was released before, or it belongs to another lock" ]]
  token=$(redlock acquire -q db)
  run redlock release --token 0123456789 db
  [ "$status" -eq 79 ]
  [[ $output == *"was not held with this token: somebody else holds the lock"* ]]
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  redlock release --token "$token" db
}

@test "release with a majority gone: 69; with a minority stopped: 0" {
  token=$(redlock acquire -q db)
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  stop_node 1
  run redlock release --token "$token" db
  [ "$status" -eq 0 ]
  continue_node 1
  wait_until_no_keys
  for i in 1 2 3; do kill_node "$i"; done
  run redlock release --token "$token" db
  [ "$status" -eq 69 ]
  [[ $output == *"2 of 5 nodes answered"* ]]
}

@test "release without the password that a majority wants: 77" {
  for i in 1 2 3; do node_cli "$i" CONFIG SET requirepass sesame; done
  run redlock release --token 0123456789 db
  for i in 1 2 3; do node_cli "$i" -a sesame --no-auth-warning CONFIG SET requirepass ''; done
  [ "$status" -eq 77 ]
  [[ $output == *NOAUTH* ]]
}

@test "the lease ends by itself when its ttl is over" {
  redlock acquire -q --ttl 500ms db
  wait_until_no_keys
  run redlock acquire -n -q db
  [ "$status" -eq 0 ]
  redlock release --token "$output" db
}

@test "stdout full: no lock is left that nobody has the token of" {
  run bash -c '"$1" acquire db >/dev/full' - "$REDLOCK"
  [ "$status" -eq 70 ]
  [[ $output == *"standard output"*"No space left"* ]]
  wait_until_no_keys
}

@test "a lock that lives beside other libraries: a plain string with a ttl" {
  token=$(redlock acquire -q db)
  [ "$(node_cli 1 TYPE db)" = string ]
  [ "$(node_cli 1 PTTL db)" -gt 0 ]
  redlock release --token "$token" db
  # Another library's hash is somebody else's lock.
  for i in 1 2 3; do node_cli "$i" HSET db field 1; done
  run redlock acquire -n db
  [ "$status" -eq 75 ]
  [[ $output == *'held by "(hash)"'* ]]
  for i in 1 2 3; do node_cli "$i" DEL db; done
}

@test "the holder's text is escaped before it is shown" {
  for i in 1 2 3; do node_cli "$i" SET db $'\033[2Jboo'; done
  run redlock acquire -n db
  [[ $output == *'\x1B[2Jboo'* ]]
  for i in 1 2 3; do node_cli "$i" DEL db; done
}
