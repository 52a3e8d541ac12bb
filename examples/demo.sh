#!/usr/bin/env bash
# What ./bootstrap demo shows: one lock on five nodes, from taking it to giving it back, and what happens
# when somebody else wants it and when nodes die. Runs inside `redlock lab`; $1 is the program.
set -euo pipefail
redlock=$1
name=nightly-backup
cli=$(command -v redis-cli || command -v valkey-cli)
nodes=(1 2 3 4 5)

tell() { printf '\n%s\n' "$*"; }
typed() { printf '  $ %s\n' "$*"; }
ask() { "$cli" -s "$REDLOCK_LAB_DIR/node-$1.sock" "${@:2}" 2>/dev/null; }
# Everything that the commands themselves say is indented, and otherwise untouched.
indented() { sed 's/^/    /'; }

held_on() {
  local node count=0
  for node in "${nodes[@]}"; do
    if [ "$(ask "$node" EXISTS "$name")" = 1 ]; then count=$((count + 1)); fi
  done
  echo "$count"
}
show_nodes() {
  local node token left
  for node in 1 2 3 4 5; do
    if ! ask "$node" PING >/dev/null; then
      echo "    node $node: dead"
    elif token=$(ask "$node" GET "$name") && [ -n "$token" ]; then
      left=$(ask "$node" PTTL "$name")
      echo "    node $node: held by ${token:0:12}... for another $((left / 1000)) s"
    else
      echo "    node $node: free"
    fi
  done
}
wait_until_held() {
  for _ in $(seq 600); do
    [ "$(held_on)" -lt "$1" ] || return 0
    sleep 0.05
  done
  echo "redlock did not take the lock within half a minute; this should not happen" >&2
  exit 1
}

tell "Five independent Redis servers run on this machine, for this demonstration only."
tell "1. A job runs under a lock. It is held while the job runs, and not a moment longer:"
typed "redlock exec $name -- sleep 4 &"
"$redlock" exec "$name" -- sleep 4 &
job=$!
wait_until_held 5
show_nodes

tell "2. Somebody else wants the same lock and does not care to wait (-n). The command is not run:"
typed "redlock exec -n $name -- echo 'two at once!'"
code=0
"$redlock" exec -n "$name" -- echo 'two at once!' 2>&1 | indented || code=$?
echo "    exit code $code: busy"
[ "$code" -eq 75 ]

tell "3. Two of the five nodes die. A majority is left, and that is enough to hold the lock and to take it:"
typed "kill -9 (nodes 1 and 2)"
kill -KILL "$(cat "$REDLOCK_LAB_DIR/node-1.pid")" "$(cat "$REDLOCK_LAB_DIR/node-2.pid")"
nodes=(3 4 5)
show_nodes
tell "   Now somebody who waits, as is the default. The turn comes when the first job ends:"
typed "redlock exec $name -- echo 'my turn'"
"$redlock" exec "$name" -- echo 'my turn' 2>&1 | indented
wait "$job"

tell "4. Both jobs are done. Nothing is left on the nodes:"
show_nodes
[ "$(held_on)" -eq 0 ]

tell "Try it yourself, in a shell with five nodes of its own:  ./build/cmd/redlock lab"
