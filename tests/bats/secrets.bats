#!/usr/bin/env bats
# Passwords and tokens: how they are read from files and pipes, who else could read them, where a wrong one came from,
# and that nobody sees them. Which way of giving a password counts: bad_input.bats.
# shellcheck disable=SC2016 # the inner shells expand
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own
# shellcheck disable=SC2154 # stderr is set by run

load helper

setup() {
  the_setup
  umask 077
  start_nodes 3
}
teardown() {
  local i
  for i in "${!NODE_PIDS[@]}"; do REDISCLI_AUTH=sesame node_cli "$i" CONFIG SET requirepass '' >/dev/null 2>&1; done
  the_teardown
}
close_nodes() { for i in 1 2 3; do node_cli "$i" CONFIG SET requirepass sesame >/dev/null; done; }
with_password() { echo "${REDLOCK_NODES//unix:\/\//unix://$1@}"; } # with_password USER:PASSWORD
locks_with() { # locks_with ARG...: exec with these options works, and says nothing
  run --separate-stderr timeout "$PATIENCE" "$REDLOCK" exec "$@" db -- echo ran
  [ "$status" -eq 0 ] && [ "$output" = ran ] && [ "$stderr" = "" ] && return
  printf '%s\n' "$status" "$output" "$stderr"
  return 1
}

@test "a password from a pipe in pieces, from a named pipe, from standard input, with CRLF and a byte order mark" {
  close_nodes
  locks_with --password-file <(printf se; sleep 0.1; printf same; sleep 0.1; printf '\n')
  locks_with --password-file <(printf se; sleep 0.1; printf same)
  locks_with --password-file <(printf 'sesame\n'; sleep 0.3; echo other)
  locks_with --password-file <(printf '\xef\xbb\xbfsesame\r\n')
  printf '\xef\xbb\xbfsesame\r\nother\r\n' >windows
  locks_with --password-file windows
  mkfifo pipe
  (sleep 0.2; echo sesame >pipe) 3>&- &
  locks_with --password-file pipe
  wait "$!"
  # The command reads on where the password ended.
  run bash -c 'printf "sesame\nmore\n" | "$1" exec --password-file /dev/stdin db -- cat' - "$REDLOCK"
  [ "$status" -eq 0 ]
  [ "$output" = more ]
}

@test "standard input may be a socket" {
  close_nodes
  python3 -c 'import socket, subprocess, sys
ours, theirs = socket.socketpair()
ours.sendall(b"sesame\n")
sys.exit(subprocess.call(sys.argv[1:], stdin=theirs))' "$REDLOCK" exec --password-file /dev/stdin db -- touch ran
  [ -e ran ]
}

@test "files that hold no secret: told so, with the option; --token-file too" {
  printf 'se\0same\n' >zero
  iconv -t UTF-16LE <<<sesame >wide
  : >empty
  mkdir folder
  head -c 5000 /dev/zero | tr '\0' x >long
  for option in 'exec --password-file' 'extend --token-file' 'release --token-file'; do
    rest=db
    [[ $option != exec* ]] || rest='db true'
    while IFS='>' read -r file words; do
      # shellcheck disable=SC2086 # several words
      refused 64 "${option#* }: cannot read '$file': $words" $option "$file" $rest
    done <<'TEXT'
zero>a zero byte in its first line; it must be plain text
wide>a zero byte in its first line
empty>its first line is empty
long>it is too long
folder>Is a directory
missing>No such file or directory
/dev/null>its first line is empty
TEXT
  done
}

@test "a token from a pipe in pieces, with CRLF and a byte order mark: extend and release" {
  token=$(redlock acquire -q db)
  redlock extend -q --token-file <(printf '\xef\xbb\xbf%s' "${token:0:9}"; sleep 0.1; printf '%s\r\n' "${token:9}") db
  redlock release --token-file <(printf '%s' "${token:0:9}"; sleep 0.1; printf '%s' "${token:9}") db
}

@test "a file with a password or a token that others can read: a warning that says what to do; not with -q" {
  close_nodes
  echo sesame >pw
  for mode in 604 644; do
    chmod "$mode" pw
    run --separate-stderr redlock exec --password-file pw db -- echo ran
    [ "$output" = ran ]
    [ "$stderr" = "redlock: warning: --password-file: 'pw' can be read by every user of this machine (mode 0$mode); chmod o-r takes that away" ]
    REDLOCK_PASSWORD_FILE=pw run --separate-stderr redlock exec db -- echo ran
    [[ $stderr == "redlock: warning: environment variable REDLOCK_PASSWORD_FILE: 'pw' can be read by every user"* ]]
  done
  locks_with -q --password-file pw
  for mode in 600 640; do # 0640 with a group of its own is the usual choice for a service
    chmod "$mode" pw
    locks_with --password-file pw
  done
  redlock acquire -q --password-file pw --token-file token db
  chmod 644 token
  run --separate-stderr redlock extend --password-file pw --token-file token db
  [[ $stderr == "redlock: warning: --token-file: 'token' can be read by every user"* ]]
  run --separate-stderr redlock release --password-file pw --token-file token db
  [ "$status" -eq 0 ]
  [[ $stderr == "redlock: warning: --token-file: 'token' can be read by every user"* ]]
}

@test "a whole line in one word: its arguments are not shown, neither here nor to others" {
  start_nodes 3
  for line in 'no-such-cli -a hunter2 ping' 'no-such-cli redis://u:hunter2@h/db -c x'; do
    refused 127 "cannot execute 'no-such-cli ...': No such file or directory" exec db "$line"
    [[ $stderr == *'COMMAND is one word with blanks in it'* && $stderr != *hunter2* ]]
    refused 64 "both -c and the command 'no-such-cli ...' were given" exec -c true db "$line"
  done
  refused 64 "one NAME is expected, 'no-such-cli ...' is one word too many" acquire db 'no-such-cli -a hunter2 ping'
  printf '#!/bin/sh\ntouch started; until [ -e go ]; do sleep 0.05; done\n' >'no-such-cli -a hunter2'
  chmod +x 'no-such-cli -a hunter2'
  background exec db -- './no-such-cli -a hunter2'
  wait_until test -e started
  [ "$(redlock status --json db | json 'it["locks"][0]["holder"]["why"]')" = no-such-cli ]
  let_go "$!"
}

@test "'-' is no file: where a token or a password is meant to come from or to go to standard streams" {
  start_nodes 3
  refused 64 "--token-file: '-' is no name for standard output; leave out --token-file" acquire --token-file - db
  [ ! -e ./- ]
  refused 64 '--token-file: for standard input write /dev/stdin' release --token-file - db
  refused 64 '--password-file: for standard input write /dev/stdin' status --password-file - db
  refused_by REDLOCK_PASSWORD_FILE=- 78 'for standard input write /dev/stdin' status db
}

@test "a wrong password: each node's line says where it came from, and does not show it" {
  close_nodes
  echo wrong-one >pw
  says() { # says ORIGIN ARG...
    refused 77 "WRONGPASS: check user and password (here: from $1)" exec "${@:2}" db -- touch ran
    [[ $stderr != *wrong-one* ]]
  }
  REDISCLI_AUTH=wrong-one says 'environment variable REDISCLI_AUTH'
  says "--password-file 'pw'" --password-file pw
  REDLOCK_PASSWORD_FILE=pw says "environment variable REDLOCK_PASSWORD_FILE 'pw'"
  says "--user and --password-file 'pw'" --user bob --password-file pw
  REDLOCK_NODES=$(with_password bob:wrong-one) says 'the address in environment variable REDLOCK_NODES'
  nodes=$(with_password bob:wrong-one)
  (unset REDLOCK_NODES && says 'the address in --server' -S "$nodes")
  # From two places at once: told node by node.
  IFS=, read -r a b c <<<"$REDLOCK_NODES"
  REDISCLI_AUTH=wrong-one REDLOCK_NODES=$a,${b/unix:\/\//unix://:wrong-one@},$c refused_by_all 77 REDISCLI_AUTH exec db -- touch ran
  [ "$(grep -c '(here: from environment variable REDISCLI_AUTH)' <<<"$stderr")" -eq 2 ]
  [ "$(grep -c '(here: from the address in environment variable REDLOCK_NODES)' <<<"$stderr")" -eq 1 ]
  # None at all.
  refused 77 'NOAUTH Authentication required: give the password by' exec db -- touch ran
  [[ $stderr != *'here: from'* ]]
  [ ! -e ran ]
}

@test "a password that is part of the node's own words is not given away by what is hidden" {
  close_nodes
  for wrong in pass word a user; do
    REDISCLI_AUTH=$wrong refused_by_all 77 'WRONGPASS: check user and password (here: ' acquire db
    told=${told-$stderr}
    diff <(echo "$told") <(echo "$stderr") # the same for each
  done
}

@test "a password in an odd place of an address: never shown, in no message" {
  while IFS= read -r address; do
    refused_by "REDLOCK_NODES=$address" 78 'environment variable REDLOCK_NODES: ' exec db -- touch ran
    [[ $stderr == *"bad node address"* && $stderr != *hidden* ]]
    refused 64 '--server: ' status -S "$address" db
    [[ $stderr != *hidden* ]]
    refused_by "REDLOCK_NODES=redis://first,$address" 78 'node 2 of ' exec db -- touch ran
    [[ $stderr != *hidden* ]]
  done <<'TEXT'
unix:///:hidden@/run/x.sock
unix:///run/a redis://u:hidden@h
unix:///run/x.sock:hidden@
unix:///hidden@/run/x.sock
redis://a;redis://u:hidden@h
redis://u:p@a redis://u:hidden@h
"redis://u:hidden@h"
redis://h:6379@u:hidden
redis://h/u:hidden
redis://h?password=p@hidden
redis://u:12/hidden
TEXT
  refused_by "REDLOCK_NODES=redis://a"$'\n'"redis://u:hidden@b" 78 "several nodes are separated by commas" exec db -- touch ran
  [[ $stderr != *hidden* ]]
  # A socket with such a name is there to be found under the name that is written so; it is not shown in full.
  run redlock status -S 'unix:///run/%3Ahidden%40/x' db
  [ "$status" -eq 69 ]
  [[ $output == *'unix:///run/:***@/x  no such socket /run/:***@/x'* && $output != *hidden* ]]
  refused 64 "'redis://***@h' looks like the address of a node where COMMAND belongs" exec db redis://:hidden@h true
  token=$(redlock acquire -q db)
  refused 64 "'***' is one word too many" release db "$token"
  redlock release --token "$token" db
}

@test "JSON: nothing but printable ASCII, whatever other clients have written" {
  odd=$'\xc2\x9b2J\x7f\xe2\x80\xae\xd8\x9c\x1b[2J\xff\xc3\xa4'
  owner='%C2%9B2J%7F%E2%80%AE%1B%5B2J%FF%C3%A4'
  is_plain() { [ -n "$output" ] && ! LC_ALL=C grep -q '[^ -~]' <<<"$output" && json True <<<"$output" >/dev/null; }
  set_all "$(printf '%032d' 0).1.$owner@$owner.1.$owner"
  run --separate-stderr redlock acquire -n --json db
  [ "$status" -eq 75 ]
  is_plain
  [ "$(json 'it["holder"]["owner"] == "\x9b2J\x7f\u202e\x1b[2J\ufffd\u00e4"' <<<"$output")" = True ]
  run --separate-stderr redlock status --json db "$odd"
  is_plain
  [ "$(json 'it["locks"][1]["name"] == "\x9b2J\x7f\u202e\u061c\x1b[2J\ufffd\u00e4"' <<<"$output")" = True ]
  for command in extend release; do
    run --separate-stderr redlock "$command" --json --token x db
    [ "$status" -eq 79 ]
    is_plain
  done
  run --separate-stderr redlock doctor --json
  is_plain
  # As text: escaped, too.
  run redlock status db
  [[ $output == *'held by \xC2\x9B2J\x7F\xE2\x80\xAE\x1B[2J\xFFä@'* ]]
  set_all "$odd"
  run redlock status db
  [[ $output == *'held by "\xC2\x9B2J\x7F\xE2\x80\xAE\xD8\x9C\x1B[2J\xFFä"'* ]]
  run --separate-stderr redlock status --json db
  is_plain
  delete_all
}
