#!/usr/bin/env bash
# The program of ./bootstrap demo: one lock on five nodes is taken, contended and released, and two nodes die. Runs inside
# `redlock lab`; $1 is the redlock program.
set -euo pipefail
redlock=$1
name=nightly-backup
cli=$(command -v redis-cli || command -v valkey-cli)
nodes=(1 2 3 4 5)

tell() { printf '\n%s\n' "$*"; }
typed() { printf '  $ %s\n' "$*"; }
ask() { "$cli" -s "$REDLOCK_LAB_DIR/node-$1.sock" "${@:2}" 2>/dev/null; }
# Indents the output of the commands, and changes nothing else.
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

tell "Five independent Redis servers run on this machine, only for this demonstration."
tell "1. A job runs under a lock. redlock holds the lock while the job runs:"
typed "redlock exec $name -- sleep 4 &"
"$redlock" exec "$name" -- sleep 4 &
job=$!
wait_until_held 5
show_nodes

tell "2. A second client wants the same lock and does not wait (-n). Its command does not run:"
typed "redlock exec -n $name -- echo 'two at once!'"
code=0
"$redlock" exec -n "$name" -- echo 'two at once!' 2>&1 | indented || code=$?
echo "    exit code $code: busy"
[ "$code" -eq 75 ]

tell "3. Two of the five nodes die. The other three are a majority. This is enough to hold a lock and to take one:"
typed "kill -9 (nodes 1 and 2)"
kill -KILL "$(cat "$REDLOCK_LAB_DIR/node-1.pid")" "$(cat "$REDLOCK_LAB_DIR/node-2.pid")"
nodes=(3 4 5)
show_nodes
tell "   A third client waits, which is the default. It gets the lock when the first job ends:"
typed "redlock exec $name -- echo 'my turn'"
"$redlock" exec "$name" -- echo 'my turn' 2>&1 | indented
wait "$job"

tell "4. Both jobs have ended. The lock is free on all nodes:"
show_nodes
[ "$(held_on)" -eq 0 ]

tell "To try it yourself, in a shell with five nodes:  ./build/cmd/redlock lab"
