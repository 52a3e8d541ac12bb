#!/usr/bin/env bats
# Nodes that are named wrongly, are none, refuse us; commands and machines that will not: each gets its exit code and a
# message that says what, where, why and what to do; each ends by itself; and none leaves a key (the teardown looks).
# What is typed wrongly otherwise: grammar.bats.
# shellcheck disable=SC2016 # the inner shells expand
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own
# shellcheck disable=SC2154 # stderr is set by run

load helper

setup() {
  the_setup
  umask 077 # what others can read is warned about
  OTHERS=
  start_nodes 5
}

teardown() {
  [ -z "$OTHERS" ] || kill "$OTHERS" 2>/dev/null || true
  open_nodes
  the_teardown
}

close_nodes() { for i in "$@"; do node_cli "$i" CONFIG SET requirepass sesame; done; }
open_nodes() {
  local i
  for i in "${!NODE_PIDS[@]}"; do
    gone "${NODE_PIDS[i]}" || REDISCLI_AUTH=sesame node_cli "$i" CONFIG SET requirepass '' >/dev/null 2>&1
  done
}
with_password() { echo "${REDLOCK_NODES//unix:\/\//unix://$1@}"; } # with_password USER:PASSWORD

# --- the nodes' addresses ---

@test "no nodes anywhere: 78, told how to give them, and of the lab" {
  unset REDLOCK_NODES
  for words in 'exec db true' 'acquire db' 'status db' 'extend --token x db' 'release --token x db'; do
    # shellcheck disable=SC2086 # several words
    refused 78 'no nodes were given; name them with -S redis://host:6379' $words
    [[ $stderr == *"environment variable REDLOCK_NODES"*"redlock lab" ]]
  done
  REDLOCK_NODES='' refused 78 'no nodes were given' exec db true
}

@test "an address with a mistake: 64 for -S, 78 for REDLOCK_NODES, with the right way to write it" {
  while IFS='>' read -r address words; do
    refused 64 "--server: bad node address" exec -S "$address" db -- touch ran
    [[ $stderr == *"$words"* ]]
    refused_by "REDLOCK_NODES=$address" 78 'environment variable REDLOCK_NODES: bad node address' exec db -- touch ran
    [[ $stderr == *"$words"* ]]
  done <<'TEXT'
redsi://host>unknown scheme; did you mean redis://?
http://host>unknown scheme; write redis://host:6379 or unix:///path
rediss://host>has no TLS yet
localhost:6379>the scheme is missing; write redis:// in front of it
/run/redis.sock>write unix:// in front of the path
redis:/host>'://' is missing after the scheme
unix:/run/s>'://' is missing after the scheme
unix://run/s>three slashes, as in unix:///run/redis.sock
unix:///run/>names a folder, not a socket
unix:///run/s?database=3>only ?db=N may follow the path
redis://>the host is missing; write redis://host:6379
redis://host:>the port is missing after ':'
redis://host:0>the port must be a number from 1 to 65535
redis://host:65536>the port must be a number from 1 to 65535
redis://host:http>the port must be a number from 1 to 65535
redis://host/x>a database number must stand there, as in redis://host:6379/2
redis://host/-1>a database number must stand there
redis://host?db=2>the database goes after a '/', as in redis://host:6379/2
redis://::1:6379>an IPv6 address goes in brackets, as in redis://[::1]:6379
redis://[::1>the bracket '[' is not closed
redis://[host]>only an IPv6 address goes in brackets
redis://a b>several nodes are separated by commas
redis://a;redis://b>'://' stands there twice; several nodes are separated by commas
unix:///run/a b>a space or control character in the path
redis://[fe80::1%]>the name of an interface must follow the '%'
redis://:@host>the password before the '@' is empty
TEXT
  refused 64 "node 2 of 3: bad node address" exec -S redis://a,redsi://b,redis://c db -- touch ran
  refused 64 "it is empty; write redis://host:6379" exec -S '' db -- touch ran
  refused 64 "node 2 of 2: bad node address '': it is empty" exec -S redis://a, db -- touch ran
  [ ! -e ran ]
}

@test "the same node twice: refused, however it is written" {
  for twice in redis://h,redis://h redis://h,redis://h:6379 redis://h/1,redis://h/2 redis://H,redis://h redis://:a@h,redis://:b@h \
    'redis://[fe80::1%25lo],redis://[fe80::1%lo]' unix:///s,unix:///s?db=3; do
    refused_by "REDLOCK_NODES=$twice" 78 'nodes 1 and 2 are the same server' exec db -- touch ran
    [[ $stderr == *"each node must be an independent one"*"name it once" ]]
  done
  refused 64 '--server: nodes 1 and 2 are the same server, redis://h:6379' exec -S redis://h -S redis://h db -- touch ran
}

@test "more than 64 nodes: refused; 64 that are not there: 69, each told" {
  many=$(printf 'unix:///nowhere/%s,' {1..65})
  refused 64 '65 nodes are too many: at most 64, and 3 or 5 are usual' exec -S "${many%,}" db -- touch ran
  refused 69 'db needs 33 of 64' exec -n -S "$(printf 'unix:///nowhere/%s,' {1..63})unix:///nowhere" db -- touch ran
  [ "$(grep -c unix:///nowhere <<<"$stderr")" -eq 64 ]
}

# --- nodes that are not what they should be ---

@test "a host name that does not exist: told; as a minority it does no harm" {
  absent=redis://one.invalid,redis://two.invalid,redis://three.invalid
  for words in 'exec -n db -- touch ran' 'acquire -n db' 'extend --token x db' 'release --token x db'; do
    # shellcheck disable=SC2086 # several words
    refused 69 'host name cannot be resolved' "${words%% *}" -S "$absent" ${words#* }
  done
  run -69 redlock status -S "$absent" db
  [[ $output == *"one.invalid:6379"*"host name cannot be resolved"* ]]
  # Keys that two real nodes have granted meanwhile are taken back.
  refused 69 'host name cannot be resolved' exec -n -S "$absent,${REDLOCK_NODES#*,*,*,}" db -- touch ran
  run redlock exec -w 50 -S "redis://one.invalid,redis://two.invalid,${REDLOCK_NODES#*,*,}" db -- echo ran
  [ "$status" -eq 0 ]
  [ ! -e ran ]
}

# Servers that are no Redis: url[KIND] are three of each.
start_others() {
  declare -gA url
  python3 -c '
import socket, sys, threading, time
KINDS = {
    "garbage": (b"220 mail.example.org ESMTP\r\n", b""), "web": (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
    "silence": (b"", b""), "line": (b"+", b"x" * 65536), "bulk": (b"$999999999\r\n", b"x" * 65536),
    "replies": (b"", b"+OK\r\n" * 9999), "errors": (b"", b"-ERR never\r\n" * 9999), "zeros": (b"", b"\0" * 65536),
    "arrays": (b"*1\r\n" * 9999, b""), "huge": (b"*2147483647\r\n", b""), "close": None,
}
def talk(connection, words):
    try:
        if words is None: return connection.close()
        connection.sendall(words[0])
        while words[1]: connection.sendall(words[1])
        while connection.recv(65536): pass
    except OSError: pass
def serve(server, words):
    while True: threading.Thread(target=talk, args=(server.accept()[0], words), daemon=True).start()
with open("others.new", "w") as out:
    for kind, words in KINDS.items():
        for copy in range(3):
            server = socket.create_server(("127.0.0.1", 0))
            threading.Thread(target=serve, args=(server, words), daemon=True).start()
            print(kind, f"redis://127.0.0.1:{server.getsockname()[1]}", file=out)
import os; os.rename("others.new", "others")
time.sleep(600)' 3>&- &
  OTHERS=$!
  wait_until test -e others
  local kind address
  while read -r kind address; do url[$kind]=${url[$kind]:+${url[$kind]},}$address; done <others
}

@test "a port where something else answers: 69 and why, in time; the keys on real nodes are taken back" {
  start_others
  declare -A words=([garbage]='not a Redis reply: 220 mail.example.org' [web]='not a Redis reply: HTTP/1.1 400'
    [silence]='no answer within' [line]='not a Redis reply' [bulk]='not a Redis reply' [replies]='unexpected reply'
    [errors]='ERR never' [zeros]='not a Redis reply: \x00' [arrays]='not a Redis reply' [huge]='not a Redis reply' [close]='c')
  for kind in "${!words[@]}"; do
    nodes=${url[$kind]},${REDLOCK_NODES#*,*,*,}
    refused 69 "${words[$kind]}" exec -n -S "$nodes" db -- touch ran
    [ "${#stderr}" -lt 3000 ]
    refused 69 "${words[$kind]}" release --token x -S "$nodes" db
    run -69 timeout "$PATIENCE" "$REDLOCK" status -S "$nodes" db
    [[ $output == *"${words[$kind]}"* ]]
  done
  [[ $(redlock status -S "${url[web]}" db) == *"is this the port of a Redis server?"* ]]
  # They go on for as long as it is waited: no end of memory, no end of time.
  refused 69 'no majority of the nodes can be reached' exec -w 2 --ttl 1s \
    -S "${url[bulk]%,*},${url[replies]%%,*},${REDLOCK_NODES#*,*,*,}" db -- touch ran
  [ ! -e ran ]
}

@test "a minority of such ports does no harm" {
  start_others
  for kind in "${!url[@]}"; do
    run timeout "$PATIENCE" "$REDLOCK" exec -w 50 -S "${url[$kind]%,*},${REDLOCK_NODES#*,*,}" db -- echo ran
    [ "$status" -eq 0 ]
    [ "${lines[-1]}" = ran ]
  done
}

# --- passwords and rights ---

@test "no password, a wrong one: 77 at once, even with time to wait, with what to do" {
  close_nodes 1 2 3
  refused 77 'NOAUTH Authentication required' exec -w 10h db -- touch ran
  [[ $stderr == *"the nodes refuse our credentials or commands, so db cannot be locked"*"give the password by --password-file, REDISCLI_AUTH or in the node's address"* ]]
  REDISCLI_AUTH=wrong-one refused 77 'WRONGPASS' acquire db
  [[ $stderr != *wrong-one* ]]
  REDLOCK_NODES=$(with_password somebody:wrong-one) refused 77 'check user and password (here: from the address in environment variable REDLOCK_NODES)' exec -v db -- touch ran
  [[ $stderr != *wrong-one* ]]
  # A password where none is set is a mistake, too.
  open_nodes
  REDLOCK_NODES=$(with_password nobody-knows:wrong-one) refused 77 'WRONGPASS' exec db -- touch ran
  [ ! -e ran ]
}

@test "a server that tells doctor our own password: it is not shown" {
  fake_node "$BATS_TEST_TMPDIR/teller" 'peer.recv(1 << 16)
why = b"UNFIT for sesame"
peer.sendall(b"+OK\r\n*6\r\n$9\r\ninspected\r\n:1\r\n$1\r\na\r\n$0\r\n\r\n$0\r\n\r\n$%d\r\n%s\r\n+OK\r\n" % (len(why), why))
peer.recv(1 << 16)' &
  wait_until test -S teller
  run redlock doctor -S "unix://:sesame@$BATS_TEST_TMPDIR/teller"
  [ "$status" -eq 78 ]
  [[ $output == *'mend: an error that redlock does not know; its text is not shown, as it may repeat the password'* && $output != *sesame* ]]
}

@test "the password by address, REDISCLI_AUTH, file and REDLOCK_PASSWORD_FILE; which one counts" {
  close_nodes 1 2 3 4 5
  echo sesame >right
  printf 'wrong\nsesame\n' >wrong
  runs() { [ "$(redlock exec "$@" db -- echo ran)" = ran ]; }
  REDLOCK_NODES=$(with_password :sesame) runs
  REDLOCK_NODES=$(with_password default:sesame) runs
  REDISCLI_AUTH=sesame runs
  REDLOCK_PASSWORD_FILE=right runs
  runs --password-file right
  runs --user default --password-file right
  REDLOCK_PASSWORD_FILE=wrong runs --password-file right
  REDISCLI_AUTH=wrong runs --password-file right
  REDISCLI_AUTH=wrong REDLOCK_NODES=$(with_password :sesame) runs
  REDLOCK_PASSWORD_FILE=right refused 77 WRONGPASS exec --password-file wrong db -- touch ran
  refused 64 "--password-file: cannot read 'missing': No such file or directory" exec --password-file missing db -- touch ran
  refused_by REDLOCK_PASSWORD_FILE=missing 78 "environment variable REDLOCK_PASSWORD_FILE: cannot read 'missing'" exec db -- touch ran
  : >empty
  refused 64 "its first line is empty" exec --password-file empty db -- touch ran
  head -c 9999 /dev/zero | tr '\0' x >long
  refused 64 "it is too long; the secret is expected in its first line" exec --password-file long db -- touch ran
  refused 64 "Is a directory" exec --password-file . db -- touch ran
  refused 64 "--user: unix://${NODE_ADDRESSES[1]} has a user but no password" exec --user bob db -- touch ran
  refused_by "REDLOCK_NODES=redis://hidden@host" 78 "has a user but no password" exec db -- touch ran
  [[ $stderr != *hidden* ]]
  [ ! -e ran ]
}

@test "a password in argv: warned about, with other ways; never shown, whatever goes wrong" {
  close_nodes 1 2 3 4 5
  run --separate-stderr redlock exec -vv -S "$(with_password :sesame)" db -- echo ran
  [ "$output" = ran ]
  [[ $stderr == *"warning: a password on the command line can be read by every user of this machine; put it into REDLOCK_NODES, REDISCLI_AUTH or a --password-file"* ]]
  [[ $stderr != *sesame* ]]
  run --separate-stderr redlock exec -q -S "$(with_password :sesame)" db -- echo ran
  [ "$stderr" = "" ]
  REDLOCK_NODES=$(with_password :sesame) run --separate-stderr redlock exec db -- echo ran
  [ "$stderr" = "" ]
  for words in 'exec -vv -S redis://:hidden@one.invalid -n db true' 'exec -S redis://u:hidden@h:x db true' 'exec -S redis:/:hidden@h db true' \
    'exec --ttl redis://:hidden@h db true' 'exec -S redis://:hidden@h,redis://:hidden@h db true' 'exec --server=redis://hidden@h db true' \
    'exec redis://:hidden@h' 'redis://:hidden@h' 'exec -S redis://:hidden@h/x db true' 'status -S redis://:hidden@127.0.0.1:1 db' \
    'acquire db redis://:hidden@h' 'exec -E redis://:hidden@h db true' 'exec --quiet=redis://:hidden@h db true' '--node=redis://:hidden@h exec'; do
    # shellcheck disable=SC2086 # several words
    run timeout "$PATIENCE" "$REDLOCK" $words
    [ "$status" -ge 64 ]
    [ -n "$output" ]
    [[ $output != *hidden* ]]
  done
  # Nor told to the command by us.
  open_nodes
  run redlock exec -S "$(with_password default:x)" -q db -- env
  [[ $output != *"REDLOCK_"*"default:x"* ]]
}

@test "a user without the rights: 77, with the rights that are needed; nothing is left half done" {
  for i in 1 2 3; do
    node_cli "$i" ACL SETUSER noeval on '>pw' '~*' '+@all' -eval
    node_cli "$i" ACL SETUSER noset on '>pw' '~*' +eval +time +type +get +hmget +hset +del
    node_cli "$i" ACL SETUSER nokeys on '>pw' '~other*' '+@all'
    node_cli "$i" ACL SETUSER off off '>pw' '~*' '+@all'
    node_cli "$i" ACL SETUSER just on '>pw' '~d*' '~redlock:*' +eval +time +info +type +get +set +hmget +hset +hdel +pttl +pexpire +del
  done
  IFS=, read -r a b c _ <<<"$REDLOCK_NODES"
  export REDLOCK_NODES=$a,$b,$c
  echo pw >pw
  for user in noeval noset nokeys; do
    refused 77 'the user needs the keys NAME and redlock:* and the commands EVAL, TIME, INFO, TYPE, GET, SET, HMGET, HSET, HDEL, PTTL, PEXPIRE and DEL, and SELECT for a database other than 0 (ACL SETUSER)' \
      exec --user "$user" --password-file pw db -- touch ran
  done
  refused 77 'so db cannot be locked' acquire --user off --password-file pw db
  refused 77 'db was not extended' extend --token x --user noeval --password-file pw db
  refused 77 'db may still be held; it ends by itself' release --token x --user noeval --password-file pw db
  run -77 redlock status --user nokeys --password-file pw db
  # What the message asks for is enough.
  each_node DEL 'redlock:{}:node'
  refused 69 'vote in' exec -n --restart-guard 30s --user just --password-file pw db -- touch ran
  redlock init -q --restart-guard 30s --user just --password-file pw >/dev/null
  run redlock exec --restart-guard 30s --user just --password-file pw db -- echo ran
  [ "$status" -eq 0 ]
  [ "$output" = ran ]
  run redlock status --user just --password-file pw db
  [ "$status" -eq 0 ]
  [ ! -e ran ]
}

@test "a database that a node does not have: 77, told so" {
  refused 77 'DB index is out of range: choose a database that the node has' exec -n -S "${REDLOCK_NODES//,/?db=99,}?db=99" db -- touch ran
}

# --- the command and the machine ---

@test "a command that does not exist, is not executable, is a folder, has no interpreter: the lock is given back" {
  touch plain
  printf '#!/no/such/interpreter\n' >script
  chmod +x script
  refused 127 "cannot execute 'no-such-command': No such file or directory; check the spelling and PATH" exec db -- no-such-command
  wait_until_no_keys
  refused 127 "cannot execute './script': No such file or directory" exec db -- ./script
  wait_until_no_keys
  refused 127 'COMMAND is one word with blanks in it: for a shell line write exec NAME -c' exec db 'echo hi'
  wait_until_no_keys
  refused 126 "cannot execute './plain': Permission denied" exec db -- ./plain
  refused 126 "cannot execute '.': Permission denied" exec db -- .
  wait_until_no_keys
  SHELL=/no/such/shell refused 127 "cannot execute '/no/such/shell'" exec db -c 'touch ran'
  wait_until_no_keys
}

@test "no descriptors left: an error that says so, or it works; no key, no hang" {
  export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 # which needs a thread and a descriptor of its own
  # UBSan reads memory through a pipe to tell an object's type, and takes the lack of one for a fault of the object.
  export UBSAN_OPTIONS=$UBSAN_OPTIONS:halt_on_error=0
  failed=0
  for limit in {4..14}; do
    # The loader of a build with shared libraries needs one for itself.
    run bash -c 'ulimit -n "$1"; exec "$2" exec --version' - "$limit" "$REDLOCK" 3>&-
    [ "$status" -eq 0 ] || continue
    run --separate-stderr timeout "$PATIENCE" bash -c 'ulimit -n "$1"; exec "$2" exec -n db -- echo ran' - "$limit" "$REDLOCK" 3>&-
    echo "with $limit: status $status, $stderr"
    [ "$(grep 'runtime error' <<<"$stderr" | grep -vc 'does not point to an object of type')" -eq 0 ]
    if [ "$status" -ne 0 ]; then
      failed=$((failed + 1))
      [ "$status" -eq 69 ] || [ "$status" -eq 70 ]
      [[ $stderr == *"Too many open files"* || $stderr == *"no file descriptor is left"*"ulimit -n"* ]]
      [ "$output" = "" ]
    else
      [ "$output" = ran ]
    fi
    wait_until_no_keys
  done
  [ "$failed" -ge 1 ]
  [ "$status" -eq 0 ]
}

@test "no processes left: 70, told so, the lock is given back" {
  export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 # which needs a thread of its own
  as=()
  [ "$(id -u)" -ne 0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
  # A shell that cannot fork for the first word does not get to the second.
  "${as[@]}" timeout "$PATIENCE" prlimit --nproc=1 sh -c '/bin/true; echo forked' 2>/dev/null | grep -q forked &&
    skip "no limit on processes here"
  # That other user may not enter the folder of our sockets.
  for i in 1 2 3 4 5; do kill_node "$i"; done
  start_nodes 3 tcp
  "${as[@]}" "$REDLOCK" status -q db || skip "another user cannot run the program from here"
  limited() { # limited ARG...
    run --separate-stderr timeout "$PATIENCE" "${as[@]}" prlimit --nproc=1 "$REDLOCK" "$@"
  }
  limited exec db -- echo ran
  [ "$status" -eq 70 ]
  [ "$output" = "" ]
  [[ $stderr == "redlock: cannot start a process for echo: Resource temporarily unavailable"* ]]
  wait_until_no_keys
  # Names are looked up by a thread of their own.
  limited exec -n -S redis://one.invalid,redis://two.invalid db -- echo ran
  [ "$status" -eq 69 ]
  [[ $stderr == *"host name cannot be resolved"* ]]
  # What needs no process works.
  limited status db
  [ "$status" -eq 0 ]
}

@test "a --wait that is too short to ask the nodes is named as the reason" {
  refused 69 'db could not be had within ' exec -w 1us db -- touch ran
  [[ $stderr == *'--wait is too short to ask the nodes'* && $stderr != *'nodes are slow'* ]]
  [ ! -e ran ]
}
