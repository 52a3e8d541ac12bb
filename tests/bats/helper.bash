# For tests of what a user sees, on real nodes. A file of tests begins with
#
#   load helper
#
# and gets setup and teardown from here (a file with a setup of its own calls the_setup in it first, and
# the_teardown last in its teardown). A test runs in a folder of its own. The program under test is $REDLOCK
# (default: ./build/cmd/redlock); "redlock" in a test is a function that runs it. In the background write
# "$REDLOCK" exec ... 3>&- &  instead, so that $! is the program and bats does not wait for it.
#
#   start_nodes N [tcp]     starts N real servers and exports REDLOCK_NODES. Call it directly, not in a subshell. With
#                           NODES_KEEP_DATA set a node that is started again has all its data; with NODE_CLOCKS set
#                           its clock can be moved (clock.bats); NODE_OPTIONS are added to the server's. Its users
#                           may rely on it: they vote at once.
#   start_new_nodes N [tcp] the same, but as new as any server; NODES_ARE_NEW=yes restart_node I
#   node_cli I COMMAND...   redis-cli on node I (1..N), for at most 5 s
#   stop_node I, continue_node I, kill_node I        STOP, CONT, KILL
#   restart_node I          a killed node comes back, empty, at the same address
#   node_pid I              its process
#   free_port               a TCP port on the loopback that nobody listens on
#   keys_left               every key on every node that is not stopped, as "node I: KEY"; nothing: none
#   value_of KEY            every node's value of KEY, one line each (empty: no such key)
#   each_node COMMAND...    node_cli on every node
#   set_all VALUE ..., delete_all, acquire_on_all ARG...    "db" on every node: by SET, by DEL, by redlock (its token)
#   holders KEY             the number of nodes on which KEY exists
#   wait_until COMMAND...   until COMMAND succeeds, at most $PATIENCE seconds (60); else the test fails
#   wait [PID...]           as the builtin, at most 5 x $PATIENCE seconds; else it says what still runs, and returns 124
#   no_keys                 true when keys_left prints nothing
#   wait_until_no_keys      for less than the default ttl: a key that only expires has not been cleaned up
#   gone PID                true when the process is no more (or only a zombie)
#   died_of COMMAND...      runs it, prints "signal N" or "exit N": a shell cannot tell 130 from death by INT
#   background ARG...       redlock in the background: $! is its process
#   hold_db ARG...          a job in the background ($!) that holds "db" until let_go PID; it writes to the file told
#   renewals I N            true when node I has run PEXPIRE N times, once for a grant and once for a renewal (renewed I:
#                           how often)
#   refused CODE WORDS ARG...   redlock ARG... ends with CODE, says WORDS on stderr and nothing on stdout; sets stderr
#   refused_by_all CODE WORDS ARG...   the same, until no node's answer was late for the table
#   refused_by VARIABLE=VALUE CODE WORDS ARG...     the same with this variable
#   json EXPRESSION         prints the Python EXPRESSION of "it", the JSON on stdin (UTF-8, or it fails)
#   on_terminal SCRIPT COMMAND...   runs COMMAND on a terminal of its own; see on_terminal.py
#   fake_node PATH CODE     takes one client at the unix socket PATH and runs the Python CODE with it, as "peer"
#   expect_leftovers        this test leaves keys behind on purpose (the TTL removes them)
#
# The teardown fails a test that left a process, a file in $TMPDIR (private to each test) or a key. Nodes die
# with the test that started them, however it ends: parent-death signal. janitor.py ends a test after $TEST_LIMIT
# seconds, and whatever bats leaves behind when a signal ends it.
# A test does not see the caller's settings: variables, umask and ignored signals are the same for everybody.
# No test asserts how fast something is; all wait for conditions with a generous limit.

bats_require_minimum_version 1.5.0

TEST_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
REDLOCK=${REDLOCK:-$TEST_ROOT/build/cmd/redlock}
PATIENCE=60
TEST_LIMIT=${TEST_LIMIT:-900}
SERVER=$(command -v redis-server || command -v valkey-server)
CLI=$(command -v redis-cli || command -v valkey-cli)

redlock() { "$REDLOCK" "$@"; }

# The caller of bats may ignore signals that tests send (nohup, "bats FILE &" in a script). This shell cannot
# change that; another one in its place can.
# As a program sees it that is started here: bash's own are other ones.
signals_are_default() { ! grep -q '^Sig\(Ign\|Blk\):.*[1-9a-f]' /proc/self/status; }
if [ -z "${BATS_TEST_NAME:-}" ]; then
  # This is the process that runs the file's tests one after the other.
  python3 "$TEST_ROOT/tests/bats/janitor.py" "$$" "$TEST_LIMIT" </dev/null >/dev/null 2>&1 3>&- 4>&-
elif ! signals_are_default; then
  if [ -n "${REDLOCK_TEST_SIGNALS:-}" ]; then
    echo "signals are ignored or blocked here, and stay so:" && grep 'Sig[BI]' /proc/self/status && exit 1
  fi
  mapfile -d '' -t BATS_WORDS <"/proc/$$/cmdline"
  rmdir "$BATS_TEST_TMPDIR" # which bats is about to make again
  export REDLOCK_TEST_SIGNALS=set
  exec python3 "$TEST_ROOT/tests/default_signals.py" "${BATS_WORDS[@]}"
fi

# Nothing that a caller has set changes what a test sees.
forget_the_caller() {
  local name
  for name in $(compgen -e REDLOCK_) REDISCLI_AUTH VALKEYCLI_AUTH REDISCLI_HISTFILE REDISCLI_RCFILE LANG LANGUAGE \
    $(compgen -e LC_) TZ POSIXLY_CORRECT GREP_OPTIONS GREP_COLORS BASH_ENV ENV CDPATH CI; do
    unset "$name"
  done
  export LOGNAME=${LOGNAME:-$(id -un)}
  umask 022
  exec </dev/null
}

the_setup() {
  forget_the_caller
  OVERTIME=$BATS_TEST_TMPDIR/overtime # see janitor.py
  # A socket's path must be short.
  if [ ${#BATS_TEST_TMPDIR} -gt 70 ]; then
    local short
    short=$(mktemp -d /tmp/redlock-bats.XXXXXX)
    ln -s "$short" "$BATS_TEST_TMPDIR/elsewhere"
    BATS_TEST_TMPDIR=$short
  fi
  NODE_PIDS=() NODE_ADDRESSES=() NODE_OPTIONS=() LEFTOVERS=
  NODE_FOLDER=$BATS_TEST_TMPDIR/nodes
  export TMPDIR=$BATS_TEST_TMPDIR/tmp XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config REDLOCK_TEST_MARK=$BATS_TEST_TMPDIR
  mkdir "$NODE_FOLDER" "$TMPDIR"
  [ -x "$REDLOCK" ] || { echo "there is no program $REDLOCK: build it, or set REDLOCK" && return 1; }
  export REDLOCK_RESTART_GUARD=1h # some tests have long leases; guard.bats, clock.bats and examples.bats have the default
  cd "$BATS_TEST_TMPDIR" || return
}

the_teardown() {
  local index pid failed=0
  [ "$TMPDIR" = "${BATS_TEST_TMPDIR:?}/tmp" ] || return 1 # the_setup has not begun
  mapfile -t BACKGROUND < <(jobs -p)
  for index in "${!NODE_PIDS[@]}"; do kill -CONT "${NODE_PIDS[index]}" 2>/dev/null || true; done
  if ! no_strays; then
    # What a test started in the background may be on its way out.
    if [ -e "$OVERTIME" ] || ! PATIENCE=10 wait_until no_strays; then
      echo "left running:"
      strays | while read -r pid; do ps -o pid,ppid,stat,args -p "$pid" | tail -n +2; done
      wait_until end_strays
      failed=1
    fi
  fi
  # A release that is in the kernel's hands needs a moment on a busy machine; less than any lease lasts.
  if [ -z "$LEFTOVERS" ] && ! PATIENCE=2 wait_until no_keys; then
    echo "keys left:"
    keys_left
    failed=1
  fi
  for pid in "${NODE_PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${NODE_PIDS[@]}"; do wait_until gone "$pid" || failed=1; done
  if [ -e "$OVERTIME" ]; then
    cat "$OVERTIME"
    failed=1
  fi
  if [ -n "$(ls -A "$TMPDIR")" ]; then
    echo "files left:"
    ls -lA "$TMPDIR"
    failed=1
  fi
  if [ "$BATS_TEST_TMPDIR" != "${OVERTIME%/*}" ]; then cd / && rm -rf "$BATS_TEST_TMPDIR"; fi
  return $failed
}

setup() { the_setup; }
teardown() { the_teardown; }

# Processes that this test started and that still run, nodes excepted: they carry our mark in their
# environment or, because a Redis server writes its title over that, work in our folder for temporary files. A
# subshell in the background has neither.
strays() {
  local pid
  for pid in "${BACKGROUND[@]}"; do gone "$pid" || echo "$pid"; done
  # Few processes, as this is asked often; and grep must not find itself.
  {
    env -u REDLOCK_TEST_MARK grep -lzxF "REDLOCK_TEST_MARK=${BATS_TEST_TMPDIR:?}" /proc/[0-9]*/environ
    find /proc/[0-9]*/cwd -maxdepth 0 -lname "${BATS_TEST_TMPDIR:?}/tmp/*" # not $TMPDIR: were it empty, this would be everybody
  } 2>/dev/null | while IFS=/ read -r _ _ pid _; do gone "$pid" || echo "$pid"; done
}
no_strays() { [ -z "$(strays)" ]; }
end_strays() { # what starts others goes first, or it starts one more
  local pid
  for pid in $(strays); do kill -KILL "$pid" 2>/dev/null; done
  no_strays
}

wait_until() {
  local end=$((SECONDS + PATIENCE))
  until "$@"; do
    if [ "$SECONDS" -ge "$end" ]; then
      echo "after $PATIENCE s still not true: $*"
      return 1
    fi
    sleep 0.02
  done
}

wait() {
  local pid pids=("$@") end=$((SECONDS + 5 * PATIENCE))
  [ $# -gt 0 ] || mapfile -t pids < <(jobs -p)
  for pid in "${pids[@]}"; do
    until gone "$pid"; do
      if [ "$SECONDS" -ge "$end" ]; then
        echo "after $((5 * PATIENCE)) s still running: $(ps -o pid=,stat=,args= -p "$pid")"
        return 124
      fi
      sleep 0.01
    done
  done
  builtin wait "$@"
}

# state_of PID: a letter as in ps(1), nothing when there is no such process. Asked often, so it starts no process.
state_of() {
  local line
  STATE=
  { IFS= read -r -d '' line <"/proc/$1/stat"; } 2>/dev/null || true
  line=${line##*) }
  STATE=${line:0:1}
}
runs() {
  local STATE
  state_of "$1"
  [[ $STATE == [!TtZX] ]]
}
gone() {
  local STATE
  state_of "$1"
  [[ $STATE == [ZX] || -z $STATE ]]
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_nodes COUNT [tcp]: nodes without a quarantine; start_new_nodes: nodes that nobody knows yet.
start_nodes() {
  local index
  start_new_nodes "$@"
  for ((index = 1; index <= $1; ++index)); do trust_node "$index"; done
}
# trust_node I [DATABASE]: ends its quarantine, whatever it may have forgotten
trust_node() {
  node_cli "$1" -n "${2:-0}" EVAL "$(sed 's/--.*//' "$TEST_ROOT/lib/redis/scripts/_guard.lua")
    local time = redis.call('TIME')
    node_state(KEYS[1], time[1] * 1000000 + time[2])
    redis.call('HSET', KEYS[1], 'joined', '0')" 1 'redlock:{}:node' >/dev/null
}
start_new_nodes() {
  local index tries kind=${2:-unix} urls=()
  for ((index = 1; index <= $1; ++index)); do
    choose_address "$index" "$kind"
    launch_node "$index" # all at once: a server takes longer to start than we to ask it
  done
  for ((index = 1; index <= $1; ++index)); do
    tries=0
    until NODES_ARE_NEW=yes await_node "$index"; do
      # Somebody else took the port.
      if [ "$((++tries))" -ge 5 ]; then cat "$NODE_FOLDER/$index.log"; return 1; fi
      choose_address "$index" "$kind"
      launch_node "$index"
    done
    case $kind in tcp) urls[index]=redis://127.0.0.1:${NODE_ADDRESSES[index]} ;; *) urls[index]=unix://${NODE_ADDRESSES[index]} ;; esac
  done
  REDLOCK_NODES=$(IFS=, && echo "${urls[*]}")
  export REDLOCK_NODES
}

choose_address() { # I KIND
  case $2 in tcp) NODE_ADDRESSES[$1]=$(free_port) ;; *) NODE_ADDRESSES[$1]=$NODE_FOLDER/$1 ;; esac
}

restart_node() { launch_node "$1" && await_node "$1"; }
await_node() {
  PATIENCE=30 wait_until node_decided "$1" && node_answers "$1" || return
  [ -n "${NODES_ARE_NEW:-}" ] || trust_node "$1"
}
launch_node() {
  local address=${NODE_ADDRESSES[$1]} where
  case $address in
    /*) where=(--port 0 --unixsocket "$address" --unixsocketperm 700) ;;
    *) where=(--port "$address" --bind 127.0.0.1) ;;
  esac
  where+=("${NODE_OPTIONS[@]}")
  if [ -n "${NODES_KEEP_DATA:-}" ]; then
    mkdir -p "$NODE_FOLDER/$1.data"
    where+=(--dir "$NODE_FOLDER/$1.data" --appendonly yes --appendfsync always)
  else
    where+=(--dir "$NODE_FOLDER" --appendonly no)
  fi
  local clock=()
  if [ -n "${NODE_CLOCKS:-}" ]; then # see clock.bats
    clock=("CLOCK_FILE=$NODE_FOLDER/$1.clock" "LD_PRELOAD=$CLOCK_SHIM")
    [ -e "$NODE_FOLDER/$1.clock" ] || set_clock "$NODE_FOLDER/$1.clock" 0 0
  fi
  env -u REDLOCK_TEST_MARK "${clock[@]}" setpriv --pdeathsig KILL "$SERVER" "${where[@]}" --save '' \
    >"$NODE_FOLDER/$1.log" 2>&1 </dev/null 3>&- &
  NODE_PIDS[$1]=$!
  disown
}
node_answers() {
  case ${NODE_ADDRESSES[$1]} in /*) [ -S "${NODE_ADDRESSES[$1]}" ] || return ;; esac
  [[ $(node_cli "$1" INFO server 2>/dev/null) == *$'\n'"process_id:${NODE_PIDS[$1]}"$'\r'* ]]
}
node_decided() { node_answers "$1" || gone "${NODE_PIDS[$1]}"; }

# set_clock FILE SECONDS MILLIONTHS: see clock_shim.cc.
set_clock() {
  python3 -c 'import os, struct, sys, time
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
os.pwrite(file, struct.pack("=3q", int(sys.argv[2]) * 10**6, int(sys.argv[3]), time.time_ns() // 1000), 0)' "$@"
}

node_cli() {
  local address=${NODE_ADDRESSES[$1]} where
  shift
  case $address in /*) where=(-s "$address") ;; *) where=(-h 127.0.0.1 -p "$address") ;; esac
  REDLOCK_TEST_MARK='' timeout 5 "$CLI" --raw "${where[@]}" "$@"
}

node_pid() { echo "${NODE_PIDS[$1]}"; }
stop_node() { kill -STOP "${NODE_PIDS[$1]}"; }
continue_node() { kill -CONT "${NODE_PIDS[$1]}"; }
kill_node() { kill -KILL "${NODE_PIDS[$1]}" && wait_until gone "${NODE_PIDS[$1]}"; }

keys_left() {
  local index
  for index in "${!NODE_PIDS[@]}"; do
    runs "${NODE_PIDS[index]}" || continue
    # A fence outlives its lock, and a node's marker everything.
    node_cli "$index" EVAL 'local left = {}
      for _, key in ipairs(redis.call("KEYS", "*")) do
        if not key:find("^redlock:{.*}:fence$") and key ~= "redlock:{}:node" then left[#left + 1] = key end
      end
      return left' 0 | sed "/^$/d; s/^/node $index: /"
  done
}
no_keys() { [ -z "$(keys_left)" ]; }
wait_until_no_keys() { PATIENCE=20 wait_until no_keys; }
value_of() { each_node GET "$1"; }
holders() {
  local index count=0
  for index in "${!NODE_PIDS[@]}"; do
    runs "${NODE_PIDS[index]}" || continue
    count=$((count + $(node_cli "$index" EXISTS "$1")))
  done
  echo "$count"
}
set_all() { each_node SET db "$@"; }
delete_all() { each_node DEL db; }
each_node() {
  local index
  for index in "${!NODE_PIDS[@]}"; do node_cli "$index" "$@"; done
}
# An acquire leaves as soon as a quorum has granted: the keys of the others may be a moment late.
acquire_on_all() {
  redlock acquire -q "$@" || return
  wait_until eval '[ "$(holders db)" -eq 5 ]'
}
expect_leftovers() { LEFTOVERS=expected; }

died_of() {
  python3 -c 'import subprocess, sys
code = subprocess.call(sys.argv[1:])
print(f"signal {-code}" if code < 0 else f"exit {code}")' "$@"
}

refused() {
  local code=$1 words=$2
  shift 2
  run --separate-stderr "-$code" timeout "$PATIENCE" "$REDLOCK" "$@"
  # shellcheck disable=SC2154 # set by run
  [ "$output" = "" ] && [[ $stderr == "redlock: "* && $stderr == *"$words"* ]] && return
  printf 'redlock %s\nexpected: %s\n%s\n%s\n' "$*" "$words" "$stderr" "$output"
  return 1
}
refused_by_all() {
  refused "$@"
  local tries=0
  while [[ $stderr == *'no answer yet'* ]]; do
    [ $((++tries)) -lt 50 ]
    refused "$@"
  done
}
refused_by() {
  local -x "$1"
  refused "${@:2}"
}

json() {
  python3 -c 'import json, sys
it = json.loads(sys.stdin.buffer.read().decode("utf-8"))
print(eval(sys.argv[1]))' "$1"
}

fake_node() {
  python3 -c 'import os, socket, sys, time
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1] + ".new")
listening.listen()
os.rename(sys.argv[1] + ".new", sys.argv[1])
peer, _ = listening.accept()
exec(sys.argv[2])' "$@" 3>&-
}

on_terminal() { python3 "$TEST_ROOT/tests/bats/on_terminal.py" "$@"; }

# Not "redlock ... &": $! would be a subshell. And bash ignores INT and QUIT in what it starts with &.
background() { env --default-signal=INT,QUIT "$REDLOCK" "$@" 3>&- & }
hold_db() {
  background exec "$@" db -- sh -c 'touch started; until [ -e go ]; do sleep 0.05; done' 2>told
  wait_until test -e started
}
let_go() {
  touch go
  wait "$1"
}
renewed() { node_cli "$1" INFO commandstats | sed -n 's/^cmdstat_pexpire:calls=\([0-9]*\),.*/\1/p' | grep . || echo 0; }
renewals() { [ "$(renewed "$1")" -ge "$2" ]; }
