#!/usr/bin/env bats
# extend and release inside redlock exec, on five real nodes: the lock that exec holds is exec's own.
# shellcheck disable=SC2016 # the inner shells expand

load helper

setup() {
  the_setup
  start_nodes 5
  export REDLOCK
}

# inside NAME SCRIPT: a job under NAME. The lock must be as it was, with its token, when SCRIPT is done.
inside() {
  run --separate-stderr "$REDLOCK" exec "$1" -- sh -c '
    lock_of=$REDLOCK_TOKEN
    '"$2"'
    status=$("$REDLOCK" status --json "$1") || exit 91
    case $status in *\"state\":\"held\"*) ;; *) exit 92 ;; esac
    case $status in *\"pid\":$PPID,*) ;; *) exit 93 ;; esac' - "$1"
  # shellcheck disable=SC2154 # set by run
  echo "$status: $output $stderr"
  [ "$status" -eq 0 ]
  wait_until_no_keys
}

@test "the lock of the exec around us: extend and release are refused, 64, however they get the token" {
  for how in '"$1"' '--token "$lock_of" "$1"' '--token-file token "$1"' '--token-file /dev/stdin "$1" <token' \
    '--token="$lock_of" -q "$1"' '--token "$(printf %.32s "$lock_of")" "$1"'; do
    for verb in extend release; do
      if [[ $how == *printf* ]]; then
        # Only the random part: no key has that value.
        inside db '"$REDLOCK" '"$verb $how"'; [ $? -eq 79 ] || exit 90'
        continue
      fi
      inside db 'umask 077; printf "%s\n" "$lock_of" >token; "$REDLOCK" '"$verb $how"'; [ $? -eq 64 ] || exit 90; rm token'
      [[ $stderr == "redlock: db is held by the 'redlock exec' that this command runs under (REDLOCK_HELD), so it "* ]]
    done
  done
  inside db '"$REDLOCK" release --json db >report; [ $? -eq 64 ] || exit 90'
  [ "$(json 'it["result"]' <report)" = refused ]
}

@test "nested: neither the outer lock nor the inner one is given away; names with special bytes" {
  inside 'a b:%' '"$REDLOCK" exec db -- sh -c '\''
    "$REDLOCK" release db; [ $? -eq 64 ] || exit 1
    "$REDLOCK" extend --token "$1" "$2"; [ $? -eq 64 ] || exit 2
    "$REDLOCK" release --token "$1" "$2"; [ $? -eq 64 ] || exit 3'\'' - "$lock_of" "$1" || exit 90'
  [[ $stderr == *"a b:% is held by the 'redlock exec'"* ]]
}

@test "nested: the outer lock without its token: the refusal of an enclosing lock, and no hint at the token" {
  inside 'a b:%' '"$REDLOCK" exec db -- sh -c '\''
    "$REDLOCK" release "$1"; [ $? -eq 64 ] || exit 1
    "$REDLOCK" extend "$1"; [ $? -eq 64 ] || exit 2
    "$REDLOCK" release "a b"; [ $? -eq 64 ] || exit 3'\'' - "$1" || exit 90'
  [ "$(grep -c "'a b:%' is held by a 'redlock exec' that this command runs under (REDLOCK_HELD), so it " <<<"$stderr")" -eq 2 ]
  [ "$(grep -c "give the token with --token T" <<<"$stderr")" -eq 1 ] # of another name
}

@test "the same key under another prefix is the same lock; another name or prefix with its token is not held" {
  export REDLOCK_PREFIX=p:
  inside db '
    "$REDLOCK" release --prefix p:d --token "$lock_of" b; [ $? -eq 64 ] || exit 1
    REDLOCK_PREFIX= "$REDLOCK" release --token "$lock_of" p:db; [ $? -eq 64 ] || exit 2
    "$REDLOCK" release --token "$lock_of" other; [ $? -eq 79 ] || exit 3
    REDLOCK_PREFIX= "$REDLOCK" extend --token "$lock_of" db; [ $? -eq 79 ] || exit 4'
}

@test "inside exec, a lock that acquire took is extended and given back as anywhere" {
  inside db '
    lease=$("$REDLOCK" acquire -q --format env inner) || exit 1
    eval "$lease"
    "$REDLOCK" extend -q inner || exit 2
    "$REDLOCK" release inner || exit 3
    "$REDLOCK" acquire -q --token-file token inner || exit 4
    "$REDLOCK" release --token-file token inner || exit 5
    "$REDLOCK" release --token-file token inner 2>/dev/null; [ $? -eq 79 ] || exit 6
    rm token'
}

@test "who outlives the exec and keeps its environment is told that the lock is gone, 79, also when another has it" {
  background exec db -- sh -c 'env | grep ^REDLOCK_ >kept
    setsid sh -c "until [ -e free ]; do sleep 0.01; done
      \"\$REDLOCK\" release db 2>err; echo \$? >code; \"\$REDLOCK\" extend db 2>>err; echo \$? >>code; touch both" &'
  wait "$!"
  wait_until_no_keys
  touch free
  wait_until test -e both
  [ "$(paste -sd ' ' code)" = '79 79' ]
  [ "$(grep -c 'db is not held any more' err)" -eq 2 ]
  # Its lock elsewhere is its own business.
  token=$(acquire_on_all db)
  run env "$(grep ^REDLOCK_HELD kept)" "$(grep ^REDLOCK_TOKEN kept)" REDLOCK_NAME=db "$REDLOCK" release db
  [ "$status" -eq 79 ]
  [ "$(value_of db | sort -u)" = "$token" ]
  run env "$(grep ^REDLOCK_HELD kept)" "$REDLOCK" release --token "$token" db
  [ "$status" -eq 0 ]
}

@test "one node that still names the token is enough to refuse; too few answers: 69; no access: 77" {
  hold_db
  holder=$!
  token=$(value_of db | head -n 1)
  export REDLOCK_HELD=db:${token:0:32}
  for i in 1 2 3 4; do stop_node "$i"; done
  run redlock release --token "$token" db
  [ "$status" -eq 64 ]
  for i in 1 2 3 4; do continue_node "$i"; done
  wait_until eval '[ "$(value_of db | grep -cxF "$token")" -eq 5 ]'
  stop_node 5
  for i in 1 2 3; do node_cli "$i" CONFIG SET requirepass sesame; done
  REDISCLI_AUTH=wrong run redlock extend --token "$token" other
  [ "$status" -eq 77 ]
  for i in 1 2 3; do node_cli "$i" -a sesame --no-auth-warning CONFIG SET requirepass ''; done
  continue_node 5
  let_go "$holder"
  for i in 1 2 3; do stop_node "$i"; done
  run redlock release --token "$token" db
  [ "$status" -eq 69 ]
  [[ $output == *"too few nodes say whether that still holds the lock: 2 of 5, 3 are needed"* ]]
  for i in 1 2 3; do continue_node "$i"; done
}
