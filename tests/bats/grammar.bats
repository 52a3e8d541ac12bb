#!/usr/bin/env bats
# The grammar of the command line, and mistakes in options and variables: exit code, message, and no key (the teardown
# checks this).
# shellcheck disable=SC2016 # the inner shells expand
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own
# shellcheck disable=SC2154 # stderr is set by run

load helper

setup() {
  the_setup
  start_nodes 5
}

# --- the grammar ---

@test "--help and --version print to stdout and exit with 0, whatever else is typed, without nodes" {
  unset REDLOCK_NODES
  for words in --help -h help 'exec --help' 'exec -h' 'help exec' 'acquire db --help' 'extend --bogus=1 --help' 'release -h' \
    'status -w --help -h' 'lab --help' 'exec --ttl x --help'; do
    # shellcheck disable=SC2086 # several words
    run --separate-stderr redlock $words
    case $words in extend* | status*) [ "$status" -eq 64 ] && continue ;; esac
    [ "$status" -eq 0 ]
    [[ $output == "Usage: redlock "* ]]
    [ "$stderr" = "" ]
  done
  for words in --version -V 'exec --version' 'status -V'; do
    # shellcheck disable=SC2086 # several words
    run --separate-stderr redlock $words
    [ "$status" -eq 0 ]
    [[ $output =~ ^redlock\ [0-9]+\.[0-9]+ ]]
  done
  # After COMMAND they belong to COMMAND.
  run redlock lab --nodes 1 -- "$REDLOCK" exec db printf '%s|' --help -V
  [ "$output" = '--help|-V|' ]
}

@test "-h is short: usage and the common options on one screen; --help has every option" {
  for command in exec acquire extend release status init doctor lab; do
    run redlock "$command" -h
    [ "${#lines[@]}" -le 24 ]
    [[ $output == "Usage: redlock $command "*"Common options:"*" --help "* && $output != *"Exit codes:"* ]]
    short=$(wc -l <<<"$output")
    run redlock "$command" --help
    [[ $output == "Usage: redlock $command "*"Exit codes:"*"Examples:"* ]]
    [ "$(wc -l <<<"$output")" -gt "$((short + 10))" ]
  done
  run redlock exec -h
  [[ $output == *" --wait DUR "* && $output != *--drift* ]]
  run redlock exec --help
  [[ $output == *--drift* ]]
  run redlock -h
  [ "${#lines[@]}" -le 24 ]
}

@test "options end at COMMAND or at --; a later -- belongs to COMMAND" {
  run redlock exec db ls -d /
  [ "$output" = / ]
  run redlock exec db printf '%s|' a -- b -n
  [ "$output" = 'a|--|b|-n|' ]
  run redlock exec -n -- db printf '%s|' -- -w
  [ "$output" = '--|-w|' ] || [ "$output" = '-w|' ]
  run redlock exec db -- printf '%s|' --ttl 5
  [ "$output" = '--ttl|5|' ]
  run redlock exec db --ttl 12s -n printf '%s|' -x
  [ "$output" = '-x|' ]
  # After --, a name may begin with a dash.
  run redlock exec -- -name sh -c 'echo "$REDLOCK_NAME"'
  [ "$output" = -name ]
  token=$(redlock acquire -q -- --help)
  run redlock status -q -- --help
  [ "$status" -eq 75 ]
  redlock release --token "$token" -- --help
}

@test "aliases: --nb, --nonblocking, -w 0 and --timeout 0 are -n; -x, -e and --exclusive change nothing" {
  set_all other
  for words in -n --nonblock --nb --nonblocking '-w 0' -w0 '--wait=0' '--wait 0s' '--timeout 0' -xnq; do
    # shellcheck disable=SC2086 # several words
    run redlock exec $words db -- touch ran
    [ "$status" -eq 75 ]
    [[ $output != *"gave up after"* && $output != *waiting* ]]
  done
  delete_all
  for words in -x -e --exclusive '-x -e' -xe; do
    # shellcheck disable=SC2086 # several words
    run redlock exec $words db -- echo ran
    [ "$output" = ran ]
  done
  [ ! -e ran ]
  # -S, --server and --node, with one address or several.
  nodes=$REDLOCK_NODES
  unset REDLOCK_NODES
  IFS=, read -r a b c d e <<<"$nodes"
  run redlock exec -S "$a,$b" --server "$c" --node="$d" -S"$e" db -- echo ran
  [ "$output" = ran ]
}

@test "a repeated option: the last one counts, also for -n and -w" {
  set_all other
  refused 4 'is busy' exec -n -E 3 -E 4 db -- touch ran
  refused 75 'is busy' exec -w 10h -n db -- touch ran
  set_all other PX 700
  run redlock exec -n -w 50 db -- echo ran
  [ "$status" -eq 0 ]
  run redlock exec --ttl 10s --ttl 12s db -- sh -c 'echo "$REDLOCK_TTL_MS"'
  [ "$output" = 12000 ]
}

@test "an option takes precedence over its variable, and the variable over the default" {
  say_ttl='echo "$REDLOCK_TTL_MS"'
  run redlock exec db -c "$say_ttl"
  [ "$output" = 30000 ]
  REDLOCK_TTL=20s run redlock exec db -c "$say_ttl"
  [ "$output" = 20000 ]
  REDLOCK_TTL=20s run redlock exec --ttl 12s db -c "$say_ttl"
  [ "$output" = 12000 ]
  # A wrong variable that is not needed is no error, and an empty one counts as not set.
  REDLOCK_TTL=nonsense run redlock exec --ttl 12s db -c "$say_ttl"
  [ "$output" = 12000 ]
  REDLOCK_TTL='' REDLOCK_WAIT='' run redlock exec db -c "$say_ttl"
  [ "$output" = 30000 ]
  nodes=$REDLOCK_NODES
  REDLOCK_NODES=unix:///nowhere run redlock exec -S "$nodes" db -- echo ran
  [ "$output" = ran ]
  set_all other
  REDLOCK_WAIT=0 refused 75 'is busy' exec db -- touch ran
  set_all other PX 700
  REDLOCK_WAIT=0 run redlock exec -w 50 db -- echo ran
  [ "$status" -eq 0 ]
  set_all other
  REDLOCK_PREFIX=p: run redlock exec -n db -- echo ran
  [ "$output" = ran ]
  REDLOCK_PREFIX=p: run redlock exec -n --prefix '' db -- echo ran
  [ "$status" -eq 75 ]
  delete_all
}

@test "-E accepts 0 to 255; acquire refuses 0" {
  set_all other
  for code in 0 1 255; do
    run "-$code" redlock exec -q -n -E "$code" db -- touch ran
  done
  run -255 redlock acquire -q -n --conflict-exit-code=255 db
  for bad in 600 256 -1 x '' 1.5 ' 1'; do
    refused 64 "--conflict-exit-code: '$bad' is not a whole number from 0 to 255" exec -n -E "$bad" db -- touch ran
  done
  refused 64 '--conflict-exit-code: 0 would tell a script that it has the lock when it has not' acquire -n -E 0 db
  [ ! -e ran ]
  delete_all
}

@test "hints for users of flock and consul" {
  refused 64 '-u: not needed: exec gives the lock back' exec -u db -- touch ran
  refused 64 '-o: not needed' exec -o db -- touch ran
  refused 64 '--close: not needed' exec --close db -- touch ran
  refused 64 '-F: not possible: redlock must stay beside COMMAND' exec -F db -- touch ran
  refused 64 '--no-fork: not possible' exec --no-fork db -- touch ran
  refused 64 '--command: write -c' exec db --command 'touch ran'
  refused 127 "(-n takes no number: '5' was read as the NAME of the lock" exec -n 5 no-such-command-$$
  refused 64 "(-n takes no number: '5' was read as the NAME of the lock" acquire -n 5 db
  refused 64 "-n takes no value, '5' was given; to wait for some time, write --wait DUR" exec -n5 db -- touch ran
  refused 64 "to wait for some time, write --wait DUR" exec --nonblock=5 db -- touch ran
  [ ! -e ran ]
}

# --- mistakes ---

@test "no command, an unknown command, an unknown option: 64, with a suggestion" {
  refused 64 "no command was given; to run something under a lock: redlock exec NAME COMMAND; see 'redlock --help'"
  refused 64 "unknown command 'exce'; did you mean 'redlock exec'?" exce db -- touch ran
  refused 64 "unknown command 'frobnicate'; the commands are exec, acquire, extend, release, status, init, doctor, lab" frobnicate
  refused 64 "unknown command 'frobnicate'" help frobnicate
  refused 64 "'--ttl' stands before the command; options come after it" --ttl 5 exec db -- touch ran
  refused 64 "unknown option '--frobnicate'; see 'redlock exec --help'" exec --frobnicate db -- touch ran
  refused 64 "did you mean --ttl?" exec --tll 5 db -- touch ran
  refused 64 "did you mean --wait?" exec --wiat=5 db -- touch ran
  refused 64 "did you mean --ttl?" exec -ttl 5 db -- touch ran
  refused 64 "-w is an option of 'redlock exec' and 'redlock acquire', 'redlock status' does not take it" status -w 5 db
  refused 64 "--token is an option of 'redlock extend' and 'redlock release'" acquire --token x db
  refused 64 "-w needs a value and none follows; write -w DUR" exec db -w
  refused 64 "--quiet takes no value, 'yes' was given" exec --quiet=yes db -- touch ran
  [ ! -e ran ]
}

@test "no name, a wrong name, no command: 64, with the usage" {
  refused 64 'exec: no NAME for the lock was given; usage: redlock exec [OPTIONS] NAME' exec
  refused 64 'status: no NAME for the lock was given' status --json
  refused 64 "exec: no COMMAND after the lock's name 'db'; usage: redlock exec [OPTIONS] NAME" exec db
  refused 64 "to take the lock and leave it held: redlock acquire NAME" exec db --
  refused 64 "COMMAND is an empty word (an unset variable?)" exec db ''
  refused 64 "-c: the shell line is empty (an unset variable?)" exec db -c ''
  refused 64 "both -c and the command 'touch' were given" exec -c 'touch ran' db touch ran
  refused 64 "acquire: one NAME is expected, 'two' is one word too many" acquire one two
  for command in exec acquire extend release status; do
    refused 64 "the NAME of the lock is empty (an unset variable?); give it a name" "$command" '' true
    refused 64 "looks like the address of a node where the NAME of the lock belongs; nodes are given with -S URL" \
      "$command" redis://:hidden@localhost true
    [[ $stderr != *hidden* ]]
  done
  refused 64 "which redlock keeps for keys of its own; choose another NAME" exec 'redlock:{x' -- touch ran
  refused_by REDLOCK_PREFIX='redlock:{' 78 'choose another prefix (environment variable REDLOCK_PREFIX)' exec db -- touch ran
  [ ! -e ran ]
}

@test "a name of 100 KiB or 4097 bytes: 64, and not shown; 4096 bytes are accepted" {
  huge=$(printf 'n%.0s' {1..102400})
  for command in exec acquire extend release status; do
    refused 64 'the NAME of the lock has 102400 bytes; at most 4096 are accepted' "$command" "$huge" true
    [ "${#stderr}" -lt 200 ]
  done
  refused 64 'has 4097 bytes' exec "${huge:0:4097}" -- touch ran
  run redlock exec "${huge:0:4096}" -- echo ran
  [ "$output" = ran ]
}

@test "a name with newlines, control characters, invalid UTF-8 or braces is used unchanged and shown safely" {
  for name in $'two\nlines' $'bell\a\033[2J' $'\377\376' '{braces}' '{' ' ' '*' "a'b" $'\r'; do
    run redlock exec "$name" -- sh -c 'printf %s "$REDLOCK_NAME"; '"$CLI"' -s "$0" --raw EXISTS "$REDLOCK_NAME" >exists' "${NODE_ADDRESSES[1]}"
    [ "$status" -eq 0 ]
    [ "$output" = "$name" ]
    for i in 1 2 3 4 5; do node_cli "$i" SET "$name" other; done
    run redlock exec -n "$name" -- touch ran
    [ "$status" -eq 75 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output != *[$'\001'-$'\037']* ]]
    LC_ALL=C.UTF-8 python3 -c 'import sys; sys.argv[1].encode()' "$output"
    for i in 1 2 3 4 5; do node_cli "$i" DEL "$name"; done
  done
  [ ! -e ran ]
}

@test "wrong durations: 64 in options, 78 in the environment, with examples" {
  for bad in 5x x '' -1 1e3 '1 h' 5m5 0x10 99999999999d 1h-1m; do
    refused 64 "--wait: '$bad' is not a duration" exec -w "$bad" db -- touch ran
    refused 64 "--ttl: '$bad' is not a duration" acquire --ttl "$bad" db
  done
  refused 64 "the units are d h m s ms us; write for example 30s, 1h30m, 500ms, or 1.5" exec --timeout 5x db -- touch ran
  for name in TTL WAIT NODE_TIMEOUT; do
    refused_by "REDLOCK_$name=nonsense" 78 "environment variable REDLOCK_$name: 'nonsense' is not a duration" exec db -- touch ran
  done
  refused_by REDLOCK_TTL=1ms 78 'REDLOCK_TTL: a ttl of 1 ms is too short to hold a lock over a network; at least 100 ms' exec db -- touch ran
  refused_by REDLOCK_NODE_TIMEOUT=0 78 'no node can answer within 0 s; at least 1 ms' exec db -- touch ran
  for good in 1h30m 500ms 1.5 2h 0.5s 90; do
    run redlock exec -w "$good" db -- echo ran
    [ "$output" = ran ]
  done
  [ ! -e ran ]
}

@test "a ttl too short for the grace: the message has the numbers, and the proposed ttl works" {
  refused 64 'a ttl of 600 ms (--ttl) is too short: a fresh lease is safe for ' exec --ttl 600ms -k 1s db -- touch ran
  [[ $stderr == *"kill-after 1 s (--kill-after)"*"a ttl that would do is --ttl "* ]]
  run redlock exec --ttl "${stderr##*--ttl }" -k 1s db -- echo ran
  [ "$output" = ran ]
  refused_by REDLOCK_TTL=1s 64 '(environment variable REDLOCK_TTL) is too short' exec -k 5s db -- touch ran
  refused_by REDLOCK_NODE_TIMEOUT=40s 78 'a ttl of 30 s is too short' exec db -- touch ran
  refused 64 'no ttl would do: shorten the others' exec --drift 0.49 -k 3650d db -- touch ran
  [ ! -e ran ]
}

@test "--quorum: a majority or more, with the reason" {
  for bad in 0 1 2 6 x; do
    refused 64 "--quorum: '$bad' is not a whole number from 3 to 5: of 5 nodes a majority must agree" exec --quorum "$bad" db -- touch ran
    refused 64 "two could hold the lock at once" status --quorum "$bad" db
  done
  for good in 3 4 5; do
    run redlock exec --quorum "$good" --prefix "$good:" db -- echo ran # all users of a prefix have the same quorum
    [ "$output" = ran ]
  done
  kill_node 1
  refused 69 'db needs 5 of 5' exec -n --quorum 5 --prefix 5: db -- touch ran
  [ ! -e ran ]
}

@test "--signal, --drift, --format and --nodes: 64, with the possible values" {
  refused 64 "'KILL' is not a signal that COMMAND could act upon; give a name or number such as TERM" exec --signal KILL db -- touch ran
  refused 64 "'nonsense' is not a signal" exec --signal nonsense db -- touch ran
  refused 64 "'0.5' is not a ratio from 0 to below 0.5; the default is 0.01" exec --drift 0.5 db -- touch ran
  refused 64 "--format: 'xml' is not one of token, env and json" acquire --format xml db
  refused 64 "--nodes: '65' is not a whole number from 1 to 64" lab --nodes 65 -- touch ran
  [ ! -e ran ]
}
