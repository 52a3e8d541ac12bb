#!/usr/bin/env bats
# What the manual says about JSON and the environment, against what the program does. (Options, variables and exit codes
# are generated; examples.bats runs the examples.)

load helper

setup() {
  the_setup
  start_nodes 5
}

# items PAGE MACRO SUBSECTION: the words after `.It MACRO` in that subsection, one a line.
items() {
  awk -v macro="$2" -v title="$3" '/^\.S[sh] / { inside = substr($0, 5) == title }
    inside && $1 == ".It" && $2 == macro { for (i = 3; i <= NF; ++i) if ($i != ",") print $i }' \
    "$TEST_ROOT/man/$1" | sort
}

@test "redlock(1) has exactly the variables that the command gets" {
  env -i PATH="$PATH" REDLOCK_NODES="$REDLOCK_NODES" "$REDLOCK" exec db -- env >environment
  sed -n 's/^\(REDLOCK_[A-Z_]*\)=.*/\1/p' environment | grep -vx REDLOCK_NODES | sort >ours
  items redlock.1.in Ev 'Set for the command that exec runs' >theirs
  [ -s theirs ]
  diff ours theirs
}

# Reads one object a line. Prints "KIND FIELD" for each field, and "KIND.FIELD VALUE" for fields whose values are words
# from a list.
FIELDS='import json, sys
def fields(kind, thing, within={"nodes": "node", "holder": "holder", "locks": "lock"}):
    for name, value in thing.items():
        print(kind, name)
        if (kind, name) in (("result", "result"), ("lock", "state"), ("node", "answer")):
            print(kind + "." + name, value)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                fields(within[name], each)
for line in sys.stdin:
    thing = json.loads(line)
    fields("status" if "locks" in thing else "result", thing)'

@test "redlock-json(5) has exactly the fields, and every word, of the JSON output" {
  : >json
  # say CODE ARG...: redlock ARG... exits with CODE and prints one line of JSON.
  say() {
    run --separate-stderr "$REDLOCK" "${@:2}" --json
    [ "$status" -eq "$1" ]
    python3 -c 'import json, sys; print(json.dumps(json.loads(sys.stdin.read())))' <<<"$output" >>json
  }
  say 0 status db
  say 0 acquire --owner me --why that db
  token=$(tail -n 1 json | python3 -c 'import json, sys; print(json.load(sys.stdin)["token"])')
  wait_until eval '[ "$(holders db)" -eq 5 ]'
  say 0 status db other
  say 75 acquire -n db
  say 0 extend --token "$token" db
  say 79 extend --token 0123456789 db
  say 79 extend --token 0123456789 free
  stop_node 5
  say 0 release --token "$token" db
  continue_node 5
  wait_until eval '[ -z "$(keys_left)" ]'
  # The lock of another library on too few nodes; one refusing node; too few nodes; too many refusing nodes.
  node_cli 1 SET db someone
  node_cli 2 CONFIG SET requirepass sesame
  say 0 status db
  node_cli 3 CONFIG SET requirepass sesame
  node_cli 4 CONFIG SET requirepass sesame
  say 77 acquire -n db
  for i in 2 3 4; do node_cli "$i" -a sesame --no-auth-warning CONFIG SET requirepass ''; done
  node_cli 1 DEL db
  for i in 3 4 5; do kill_node "$i"; done
  say 69 status db
  say 69 acquire -n db

  python3 -c "$FIELDS" <json | sort -u >ours
  {
    items redlock-json.5 Va 'Result of acquire, extend and release' | sed 's/^/result /'
    items redlock-json.5 Va 'Result of status' | sed 's/^/lock /'
    items redlock-json.5 Va 'Answer of a node' | sed 's/^/node /'
    items redlock-json.5 Va 'Holder' | sed 's/^/holder /'
    printf 'status %s\n' locks restart_guard_ms
  } | sort >theirs
  diff <(grep -v '\.' ours) theirs
  # Every word that occurred is documented. (Not every documented word occurs here.)
  grep '\.' ours | sed 's/.* //' | sort -u >words
  sed -n 's/^\.It Ql \([a-z_]*\)$/\1/p' "$TEST_ROOT/man/redlock-json.5" | sort -u >documented
  [ "$(wc -l <words)" -ge 15 ]
  comm -23 words documented >missing
  [ ! -s missing ] || { cat missing; false; }
}
