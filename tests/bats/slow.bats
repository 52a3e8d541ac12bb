#!/usr/bin/env bats
# What is slow costs as little as it can, and no lock is handed out late: nodes that take their time, a reader that does,
# redlock itself.
# shellcheck disable=SC2016,SC2030,SC2031 # wait_until's eval expands; a test is a subshell

load helper

setup() {
  the_setup
  start_nodes 5
}

# Names these nodes by their database 1 and stops them: connected to, they are not handed a request before they have
# answered SELECT.
stop_before_any_request() {
  local i
  for i; do
    REDLOCK_NODES=${REDLOCK_NODES/"${NODE_ADDRESSES[i]}"/"${NODE_ADDRESSES[i]}?db=1"}
    trust_node "$i" 1
    stop_node "$i"
  done
}
holders_are() { [ "$(holders db)" -eq "$1" ]; }

@test "acquire leaves when every node has been handed the key, slow ones too" {
  stop_before_any_request 4 5
  background acquire --ttl 60s --node-timeout 40s db >token 2>err
  wait_until holders_are 3
  continue_node 4
  continue_node 5
  wait "$!"
  token=$(<token)
  [ "$token" != "" ]
  for i in 4 5; do PATIENCE=10 wait_until eval '[ "$(node_cli "$i" -n 1 GET db)" = "$token" ]'; done
  [ "$(for i in 1 2 3; do node_cli "$i" GET db; done | sort -u)" = "$token" ]
  redlock release --token "$token" db
  for i in 4 5; do PATIENCE=10 wait_until eval '[ "$(node_cli "$i" -n 1 EXISTS db)" = 0 ]'; done
}

@test "a signal while acquire waits for slow nodes: death by it, nothing printed, nothing left" {
  stop_before_any_request 4 5
  background acquire --ttl 60s --node-timeout 40s db >token 2>err
  wait_until holders_are 3
  kill -TERM "$!"
  PATIENCE=20 wait_until gone "$!" # and not only when the nodes' time is over
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 143 ]
  [ ! -s token ]
  continue_node 4
  continue_node 5
  wait_until_no_keys
  for i in 4 5; do [ "$(node_cli "$i" -n 1 EXISTS db)" = 0 ]; done
}

@test "redlock stopped between winning and telling: 69 when it goes on after the lease, no token on stdout or in a file" {
  stop_before_any_request 5
  for where in stdout file; do
    [ "$where" = stdout ] && options=() || options=(--token-file kept)
    background acquire --ttl 6s --drift 0 --slack 0 --node-timeout 5s "${options[@]}" db >token 2>err
    wait_until holders_are 4
    kill -STOP "$!"
    wait_until no_keys # they have expired, and the lease has
    continue_node 5
    kill -CONT "$!"
    code=0
    wait "$!" || code=$?
    [ "$code" -eq 69 ]
    [ ! -s token ]
    [ ! -e kept ]
    grep -q '^redlock: db was won, but its lease was over before it could be used' err
    PATIENCE=4 wait_until eval '[ "$(node_cli 5 -n 1 EXISTS db)" = 0 ]' # it was asked only now
    stop_node 5
  done
  continue_node 5
}

@test "a reader that takes the token after the lease: 69, told so, and the lock is free before its keys would expire" {
  mkfifo pipe
  exec {pipe}<>pipe
  head -c 2000000 /dev/zero | tr '\0' '!' | dd of=pipe bs=4096 iflag=fullblock oflag=nonblock 2>full || true
  grep -q unavailable full
  # A lease of 2.4 s under keys of 60.
  background acquire --ttl 60s --slack 57s db >pipe 2>err
  wait_until holders_are 5
  wait_until eval '[ "$(node_cli 1 PTTL db)" -lt 57000 ]'
  IFS= read -r -t "$PATIENCE" line <&"$pipe"
  exec {pipe}>&-
  [[ ${line##*!} =~ ^[0-9a-f]{32}\. ]]
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 69 ]
  [ "$(<err)" = "redlock: db was won, but its lease was over before it could be used: did redlock, the machine or the reader of the token stand still?" ]
  wait_until_no_keys
}

@test "status of several names: a node that is silent about the first is not waited for again" {
  stop_node 5
  run --separate-stderr redlock status --json --node-timeout 2s one two three four
  [ "$status" -eq 0 ]
  [ "$(json '[lock["state"] for lock in it["locks"]]' <<<"$output")" = "['free', 'free', 'free', 'free']" ]
  [ "$(json '[lock["nodes"][4]["message"].startswith("no answer within") for lock in it["locks"]]' <<<"$output")" = \
    '[True, False, False, False]' ]
}

@test "a node that takes a connection and then says nothing, another database: its time, and no more" {
  stop_before_any_request 5
  run timeout -s KILL "$PATIENCE" "$REDLOCK" status db
  [ "$status" -eq 0 ]
  [[ $output == *"database not selected within"* ]]
  run --separate-stderr timeout -s KILL "$PATIENCE" "$REDLOCK" acquire -q db
  [ "$status" -eq 0 ]
  run timeout -s KILL "$PATIENCE" "$REDLOCK" release --token "$output" db
  [ "$status" -eq 0 ]
  continue_node 5
}

@test "a host that swallows everything takes its time of a lease and no more" {
  hole=$(free_port)
  python3 -c 'import socket, sys, time
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(0)
fill = [socket.socket() for _ in range(4)]
for f in fill: f.setblocking(False); f.connect_ex(s.getsockname())
open("listening", "w"); time.sleep(600)' "$hole" 3>&- &
  blackhole=$!
  wait_until test -e listening
  REDLOCK_NODES=${REDLOCK_NODES/"unix://${NODE_ADDRESSES[5]}"/"redis://127.0.0.1:$hole"}
  # The kernel gives such a connection up after five seconds: too late for this lease.
  run --separate-stderr redlock acquire -q --ttl 4s db
  kill "$blackhole"
  [ "$status" -eq 0 ]
  redlock release --token "$output" db
}

# As a server does that is held up between reading a request and answering it, and then finds nobody there. The command
# waits until it has read the acquire, and the answer comes when the command is done.
late_node() {
  fake_node "$1" 'peer.recv(1 << 16)
open("read", "w").close()
while not os.path.exists("done"): time.sleep(0.01)
time.sleep(0.15)
peer.sendall(b"*4\r\n$7\r\ngranted\r\n:17\r\n:%d\r\n$40\r\n%s\r\n+OK\r\n" % (time.time() * 1e6, b"a" * 40))
peer.settimeout(5)
print("released" if b"deleted" in peer.recv(1 << 16) else "nothing")'
}

@test "a node that has begun with the acquire when all is over still gets the release" {
  late_node "$BATS_TEST_TMPDIR/late" >got &
  node=$!
  wait_until test -S late
  redlock exec -S "${REDLOCK_NODES%,*},unix://$BATS_TEST_TMPDIR/late" --node-timeout 5s --prefix late: db -- \
    sh -c 'until [ -e read ]; do sleep 0.01; done; touch done'
  wait "$node"
  [ "$(<got)" = released ]
}

# As a tunnel does whose far end is dead, or a server that has been told CLIENT PAUSE.
@test "a node that reads all and answers nothing delays nothing" {
  fake_node "$BATS_TEST_TMPDIR/mute" 'while peer.recv(1 << 16): open("read", "w").close()' &
  wait_until test -S mute
  timeout -k 5 "$PATIENCE" "$REDLOCK" exec -S "${REDLOCK_NODES%,*},unix://$BATS_TEST_TMPDIR/mute" --prefix mute: --ttl 1h \
    --node-timeout 10m db -- sh -c 'until [ -e read ]; do sleep 0.01; done'
  wait $!
}
