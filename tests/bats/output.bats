#!/usr/bin/env bats
# What redlock prints and where: tokens, files, notes, and what is told while it waits. On five real nodes.
# shellcheck disable=SC2016 # the inner shells expand
# shellcheck disable=SC2030,SC2031 # each test is a subshell of its own

load helper

setup() {
  the_setup
  start_nodes 5
}

@test "acquire --format token is the default; of --format and --json the last one counts" {
  run --separate-stderr redlock acquire --format token db
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 1 ]
  redlock release --token "$output" db
  run --separate-stderr redlock acquire --json --format env --format token db
  [[ $output =~ ^[A-Za-z0-9@%._:-]+$ ]]
  redlock release --token "$output" db
  run --separate-stderr redlock acquire --format env --json db
  redlock release --token "$(json 'it["token"]' <<<"$output")" db
}

@test "acquire --format env: three lines for eval, whatever the name" {
  name='it'\''s a "name" $(touch pwned) `touch pwned` \ !x
second line'
  for_eval=$(redlock acquire -q --format env "$name")
  for shell in sh bash; do
    run -0 "$shell" -c 'eval "$1"; env | grep -c "^REDLOCK_\(NAME\|TOKEN\|FENCE\)="; printf %s "$REDLOCK_NAME"' - "$for_eval"
    [ "$output" = "3
$name" ]
  done
  eval "$for_eval"
  redlock release "$name"
  [ ! -e pwned ]
}

@test "acquire --json: the token and every node's answer" {
  run --separate-stderr redlock acquire --json --ttl 20s --node-timeout 5s db
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 1 ]
  [ "$(json 'sorted(it)' <<<"$output")" = \
    "['fence', 'holder', 'name', 'nodes', 'quorum', 'result', 'token', 'ttl_ms', 'validity_ms']" ]
  [ "$(json 'it["name"], it["result"], it["ttl_ms"], it["quorum"], it["holder"]' <<<"$output")" = \
    "('db', 'acquired', 20000, 3, None)" ]
  [ "$(json '0 < it["validity_ms"] < 20000' <<<"$output")" = True ]
  [ "$(json '[node["answer"] for node in it["nodes"]].count("granted") >= 3' <<<"$output")" = True ]
  redlock release --token "$(json 'it["token"]' <<<"$output")" db
}

@test "acquire --json that fails: busy with the holder, unreachable and denied with each node's words; no token" {
  holder=$(redlock acquire -q --owner alice --why backup db)
  run --separate-stderr redlock acquire -n --json db
  [ "$status" -eq 75 ]
  [ "$(json 'it["result"], it["holder"]["owner"], it["holder"]["why"], "token" in it' <<<"$output")" = \
    "('busy', 'alice', 'backup', False)" ]
  run --separate-stderr redlock acquire -n -q -E 3 --json db
  [ "$status" -eq 3 ]
  # shellcheck disable=SC2154 # set by run
  [ "$stderr" = "" ]
  [ "$(json 'it["result"]' <<<"$output")" = busy ]
  redlock release --token "$holder" db
  for i in 1 2 3; do node_cli "$i" CONFIG SET requirepass sesame; done
  run --separate-stderr redlock acquire -n --json db
  for i in 1 2 3; do node_cli "$i" -a sesame --no-auth-warning CONFIG SET requirepass ''; done
  [ "$status" -eq 77 ]
  [ "$(json 'it["result"], it["nodes"][0]["answer"], "NOAUTH" in it["nodes"][0]["message"]' <<<"$output")" = \
    "('denied', 'error', True)" ]
  for i in 1 2 3; do kill_node "$i"; done
  run --separate-stderr redlock acquire -n --json db
  [ "$status" -eq 69 ]
  [ "$(json 'it["result"], it["holder"], it["nodes"][0]["answer"]' <<<"$output")" = "('unreachable', None, 'error')" ]
}

@test "release --json: released, lost" {
  token=$(redlock acquire -q db)
  run --separate-stderr redlock release --json --token "$token" db
  [ "$status" -eq 0 ]
  [ "$(json 'it["result"], [node["answer"] for node in it["nodes"]].count("deleted") >= 3' <<<"$output")" = "('released', True)" ]
  run --separate-stderr redlock release --json --token "$token" db
  [ "$status" -eq 79 ]
  [ "$(json 'it["result"]' <<<"$output")" = lost ]
}

@test "a name that is no UTF-8: the JSON is valid all the same" {
  for name in $'\377\376' $'a\nb' 'ü"'; do
    run --separate-stderr redlock acquire --json "$name"
    [ "$status" -eq 0 ]
    redlock release --token "$(json 'it["token"]' <<<"$output")" "$name"
  done
}

@test "--token-file: mode 0600 whatever the umask, the token alone, nothing on stdout; --json beside it works" {
  umask 000
  run --separate-stderr redlock acquire -q --token-file token db
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
  [ "$(stat -c %a token)" = 600 ]
  [ "$(wc -l <token)" -eq 1 ]
  [[ $(cat token) =~ ^[A-Za-z0-9@%._:-]{32,256}$ ]]
  redlock release --token-file token db
  run --separate-stderr redlock acquire --json --token-file token db
  [ "$(json 'it["token"]' <<<"$output")" = "$(cat token)" ]
  redlock release --token-file token db
  [ "$(ls -d token*)" = token ]
}

@test "--token-file replaces a file in one step: who has the old one open reads the old one, and so does a hard link" {
  echo old >token
  chmod 644 token
  ln token other-name
  exec 5<token
  redlock acquire -q --token-file token db
  [ "$(cat <&5)" = old ]
  exec 5<&-
  [ "$(stat -c %a token)" = 600 ]
  [ "$(cat other-name)" = old ]
  redlock release --token-file token db
}

# left_alone KIND FILE: acquire refuses to put its token there, before it takes the lock; FILE is as it was.
left_alone() {
  local before after
  before=$(stat -c '%i %F %N %Y' "$2")
  refused 64 "--token-file: '$2' is $1, which is left as it is" acquire --token-file "$2" db
  after=$(stat -c '%i %F %N %Y' "$2")
  [ "$before" = "$after" ]
  no_keys
  [ -z "$(find . -name '*.??????' -newer begin)" ]
}

@test "--token-file: links, folders, pipes and devices are refused and left alone, before the lock is taken" {
  touch begin
  echo target >target
  mkdir folder
  ln -s target to-file
  ln -s missing to-nothing
  ln -s folder to-folder
  ln -s /dev/null to-device
  ln -s /proc/self/fd/1 to-stdout
  ln -s /proc/self/fd/7 to-seven
  for link in to-*; do left_alone 'a symbolic link' "$link"; done
  [ ! -e missing ]
  mkfifo fifo
  left_alone 'a named pipe' fifo
  left_alone 'a folder' folder
  left_alone 'a folder' to-folder/
  left_alone 'a device' /dev/null
  # The same with descriptors that are regular files: a link to one cannot be told from a link to a file.
  exec 7>seven
  for link in /dev/stdout /proc/self/fd/1 /dev/fd/7 to-seven to-stdout; do
    run -64 bash -c '"$1" acquire --token-file "$2" db >out' - "$REDLOCK" "$link"
    [[ $output == "redlock: --token-file: '$link' is a symbolic link, "* ]]
  done
  exec 7>&-
  [ -L /dev/stdout ]
  [ ! -s out ] && [ ! -s seven ]
  [ "$(cat target)" = target ]
  no_keys
}

@test "--token-file: a link that appears while acquire waits is left alone, too, and the lock is given back" {
  echo target >target
  hold_db
  holder=$!
  background acquire --token-file token db 2>err
  wait_until grep -q 'waiting for db' err
  ln -s target token
  let_go "$holder"
  code=0
  wait "$!" || code=$?
  [ "$code" -eq 64 ]
  [ "$(cat target)" = target ]
  wait_until_no_keys
  [ "$(ls -d token*)" = token ]
}

@test "--token-file: another user's file in a sticky folder, and a folder that is not ours: told before the lock is taken" {
  [ "$(id -u)" -eq 0 ] || skip "needs root, to be two users"
  as_nobody() { setpriv --reuid 65534 --clear-groups "$REDLOCK" "$@"; }
  as_nobody --version || skip "nobody may run $REDLOCK"
  start_nodes 5 tcp # the sockets are root's
  chmod o+rx . "$BATS_TEST_TMPDIR"
  mkdir -m 1777 sticky
  mkdir -m 755 ours
  echo theirs >sticky/token
  cp -p sticky/token ours/token
  chmod 666 sticky/token ours/token
  set_all somebody # told before anything is asked
  run -70 as_nobody acquire -n --token-file sticky/token db
  [[ $output == "redlock: cannot put the token into sticky/token: Operation not permitted"* ]]
  run -70 as_nobody acquire -n --token-file ours/token db
  [[ $output == "redlock: cannot create the token file beside ours/token: Permission denied"* ]]
  delete_all
  [ "$(cat sticky/* ours/*)" = $'theirs\ntheirs' ]
  as_nobody acquire -q --token-file sticky/own db
  as_nobody acquire -n -q --token-file sticky/own other
  [ "$(ls sticky)" = $'own\ntoken' ]
  redlock release --token-file sticky/own other
  delete_all
}

@test "--token-file and no lock: the file is as it was, and none is left beside it" {
  set_all other
  echo old >token
  run redlock acquire -n --token-file token db
  [ "$status" -eq 75 ]
  for signal in INT TERM HUP; do
    background acquire --token-file token db 2>err
    wait_until grep -q 'waiting for db' err
    kill -"$signal" "$!"
    code=0
    wait "$!" || code=$?
    [ "$code" -eq $((128 + $(kill -l "$signal"))) ]
    rm err
  done
  [ "$(cat token)" = old ]
  [ "$(ls -d token*)" = token ]
  run redlock acquire -n --token-file fresh db
  [ -z "$(find . -name 'fresh*')" ]
  delete_all
}

@test "--token-file where nothing can be written: told before the lock is taken, or the lock is given back" {
  run redlock acquire --token-file missing/token db
  [ "$status" -eq 70 ]
  [[ $output == "redlock: cannot create the token file beside missing/token: No such file or directory"* ]]
  no_keys
  mkdir folder
  run redlock acquire --token-file folder db
  [ "$status" -eq 64 ]
  [[ $output == "redlock: --token-file: 'folder' is a folder, which is left as it is"* ]]
  wait_until_no_keys
  [ "$(ls -d folder*)" = folder ]
  run redlock acquire --token-file '' db
  [ "$status" -eq 64 ]
  [[ $output == *"--token-file: the name of the file is empty"* ]]
}

@test "--owner, --why, REDLOCK_OWNER and LOGNAME are what others see" {
  seen() { # seen ARG...: takes db with these, prints what status says of the holder
    local token
    token=$(redlock acquire -q "$@" db)
    redlock status --json db | json 'it["locks"][0]["holder"]["owner"] + "|" + it["locks"][0]["holder"]["why"]'
    redlock release --token "$token" db
    wait_until_no_keys
  }
  export LOGNAME=login
  [ "$(seen)" = "login|" ]
  export REDLOCK_OWNER=env
  [ "$(seen)" = "env|" ]
  [ "$(seen --owner 'Ünal O. <u@x>' --why 'because: 100%, of "that".')" = 'Ünal O. <u@x>|because: 100%, of "that".' ]
  # What is too long for a token is cut, never refused.
  long=$(printf 'x%.0s' {1..400})
  [[ $(seen --owner "$long" --why "$long") =~ ^x{20,64}\|x{20,200}$ ]]
  [ "$(seen --owner 'a.b@c%d' --why $'tab\there')" = $'a.b@c%d|tab\there' ]
  run redlock exec --owner me db -- sh -c '"$0" status --json db' "$REDLOCK"
  [ "$(json 'it["locks"][0]["holder"]["owner"], it["locks"][0]["holder"]["why"]' <<<"$output")" = "('me', 'sh')" ]
}

@test "acquire says on stderr when the lease ends; --quiet is silent" {
  run --separate-stderr redlock acquire --ttl 10m db
  [[ $stderr == "redlock: db is yours; the lease ends in 9 min "*"redlock extend (see --ttl)" ]]
  redlock release --token "$output" db
  run --separate-stderr redlock acquire -q db
  [ "$stderr" = "" ]
  redlock release --token "$output" db
}

@test "stdout full: 70, told so, and the lock is given back, in every format" {
  for format in token env json; do
    run bash -c '"$1" acquire --format "$2" db >/dev/full' - "$REDLOCK" "$format"
    [ "$status" -eq 70 ]
    [[ $output == "redlock: cannot write to standard output: No space left on device"* ]]
    wait_until_no_keys
  done
  # Nobody reads the pipe.
  run bash -c '"$1" acquire db 2>&1 >&5 | cat; echo "${PIPESTATUS[0]}"' - "$REDLOCK" 5> >(exit 0)
  wait_until_no_keys
  for flag in --help --version; do
    run bash -c '"$1" "$2" >/dev/full' - "$REDLOCK" "$flag"
    [ "$status" -eq 70 ]
  done
}

@test "stdout closed: a token that cannot be told is no success, the lock is given back" {
  run bash -c '"$1" acquire db 2>&1 >&-' - "$REDLOCK"
  [ "$status" -eq 70 ]
  [[ $output == "redlock: cannot write to standard output: Bad file descriptor"* ]]
  wait_until_no_keys
  # Where nothing is printed there it does not matter.
  run bash -c '"$1" acquire --token-file token db >&-' - "$REDLOCK"
  [ "$status" -eq 0 ]
  run bash -c '"$1" release --token-file token db >&-' - "$REDLOCK"
  [ "$status" -eq 0 ]
  run bash -c '"$1" exec db -- sh -c "echo x 2>/dev/null || exit 9" >&-' - "$REDLOCK"
  [ "$status" -eq 9 ]
}

@test "stderr closed: nothing is said into a node, a file or the command" {
  token=$(bash -c '"$1" acquire db 2>&-' - "$REDLOCK")
  run bash -c '"$1" acquire -n db 2>&-' - "$REDLOCK"
  [ "$status" -eq 75 ]
  [ "$output" = "" ]
  run bash -c '"$1" acquire -n --token-file token db 2>&-' - "$REDLOCK"
  [ "$status" -eq 75 ]
  [ ! -e token ]
  run bash -c '"$1" release --token "$2" db 2>&- >&- <&-' - "$REDLOCK" "$token"
  [ "$status" -eq 0 ]
  run bash -c '"$1" exec --bogus 2>&-' - "$REDLOCK"
  [ "$status" -eq 64 ]
}

@test "the same lock inside: refused at once, whether it would wait or not; 75, or what -E says" {
  run timeout "$PATIENCE" "$REDLOCK" exec db -- "$REDLOCK" exec db -- touch ran
  [ "$status" -eq 75 ]
  [[ $output == *"db is held by the redlock that this command runs under, so it would wait for itself (REDLOCK_HELD)"* ]]
  run timeout "$PATIENCE" "$REDLOCK" exec db -- "$REDLOCK" exec -w 10h -E 9 db -- touch ran
  [ "$status" -eq 9 ]
  run timeout "$PATIENCE" "$REDLOCK" exec db -- sh -c '"$0" acquire --json db' "$REDLOCK"
  [ "$status" -eq 75 ]
  [ "$(json 'it["result"]' <<<"$(grep '^{' <<<"$output")")" = busy ]
  # Two levels down, and a name with a space, a colon and a percent sign.
  run timeout "$PATIENCE" "$REDLOCK" exec 'a b:%' -- "$REDLOCK" exec db -- "$REDLOCK" exec 'a b:%' -- touch ran
  [ "$status" -eq 75 ]
  [[ $output == *"would wait for itself"* ]]
  [ ! -e ran ]
}

@test "another lock inside is fine, and so is the same one on other nodes or under another prefix" {
  export REDLOCK_RESTART_GUARD=off # or these nodes would not have two lists
  run redlock exec db -- "$REDLOCK" exec other -- echo ran
  [ "$status" -eq 0 ]
  [ "$output" = ran ]
  run redlock exec db -- "$REDLOCK" exec --prefix p: db -- echo ran
  [ "$output" = ran ]
  two=${REDLOCK_NODES%%,*}
  run redlock exec -S "${REDLOCK_NODES#*,}" db -- "$REDLOCK" exec -S "$two" db -- echo ran
  [ "$output" = ran ]
}

@test "a REDLOCK_HELD of old refuses nothing: free is free, and another holder is waited for" {
  held=$(redlock exec db -- sh -c 'echo "$REDLOCK_HELD"')
  [[ $held =~ ^db:[0-9a-f]{32}$ ]]
  for stale in "$held" "db:" ":" "garbage" "$held $held" "db:$(printf '%032d' 0)"; do
    REDLOCK_HELD=$stale run redlock exec db -- echo ran
    [ "$status" -eq 0 ]
    [ "$output" = ran ]
  done
  background exec --owner somebody db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done'
  wait_until test -e started
  REDLOCK_HELD=$held run redlock exec -n db -- true
  [ "$status" -eq 75 ]
  [[ $output == *"held by somebody@"* && $output != *REDLOCK_HELD* ]]
  REDLOCK_HELD=$held "$REDLOCK" exec db -- true 2>err 3>&- &
  waiter=$!
  wait_until grep -q 'waiting for db' err
  touch go
  wait "$waiter"
  # A background job that outlived its lock's holder waits like everybody.
  background exec db -- sh -c 'setsid sh -c "until [ -e free ]; do sleep 0.01; done; exec \"\$1\" exec db -- touch late" - "$0" </dev/null >/dev/null 2>&1 &' "$REDLOCK"
  wait "$!"
  touch free
  wait_until test -e late
  wait_until_no_keys
}

@test "waiting, stderr a file: a line after a moment and then few: who, since when, why; -q none" {
  background exec --owner alice --why 'nightly backup' db -- sh -c 'touch started; while [ ! -e go ]; do sleep 0.01; done'
  holder=$!
  wait_until test -e started
  run redlock exec -w 3 db -- true
  [ "$status" -eq 75 ]
  [[ ${lines[0]} == "redlock: waiting for db (1"*" s so far): held by alice@$(hostname) (pid $holder) since $(date +%Y)-"*": nightly backup" ]]
  [ "$(grep -c waiting <<<"$output")" -eq 1 ]
  [[ ${lines[1]} == "redlock: db is busy: held by alice@"*"; gave up after 3 s" ]]
  run redlock exec -q -w 2 db -- true
  [ "$status" -eq 75 ]
  [ "$output" = "" ]
  run redlock acquire -w 2 db
  [[ ${lines[0]} == "redlock: waiting for db "* ]]
  touch go
  wait "$holder"
}

@test "waiting for nodes: told which of them do not answer, and it goes on when they do" {
  for i in 1 2 3; do stop_node "$i"; done
  background exec -w 50 db -- touch ran 2>err
  wait_until grep -q 'waiting for db' err
  grep -q 'so far): no majority of the nodes can be reached' err
  [ "$(grep -c 'no answer' err)" -ge 1 ]
  for i in 1 2 3; do continue_node "$i"; done
  wait "$!"
  [ -e ran ]
  wait_until_no_keys
}

@test "waiting on a terminal: one line that goes on, wiped before the command says something" {
  set_all other PX 6000
  run on_terminal "wait:waiting wait:waiting" "$REDLOCK" exec -w 50 db -- echo ran
  shown=${output//$'\r\e[K'/<wipe>}
  # As many turns as there were, all in one line, nothing left of it.
  pattern='^(<wipe>redlock: waiting for db \([0-9.]+ s so far\): held by "other"){2,}<wipe>ran'
  [[ $shown =~ $pattern ]]
  [[ $shown == *"exit 0" ]]
}

@test "waiting on a terminal: never longer than the line, and wiped before the last word" {
  set_all "$(printf 'long%.0s' {1..16})"
  run on_terminal "wait:waiting" "$REDLOCK" exec -w 2 "$(printf 'n%.0s' {1..70})$$" -- echo ran
  [[ $output == *"exit 0" ]]
  run on_terminal "wait:waiting" "$REDLOCK" exec -w 3 db -- true
  shown=${output//$'\r\e[K'/<wipe>}
  line=${shown#*<wipe>}
  line=${line%%<wipe>*}
  line=${line%^C} # typed
  [ "${#line}" -lt 80 ]
  [[ $shown == *"<wipe>redlock: db is busy: held by "*"gave up after 3 s"*"exit 75" ]]
  run on_terminal "wait:waiting key:c" "$REDLOCK" exec db -- true
  shown=${output//$'\r\e[K'/<wipe>}
  [[ $shown == *"<wipe>"*"signal 2" && ${shown##*<wipe>} != *waiting* ]]
  delete_all
}

@test "waiting on a terminal with --quiet: nothing" {
  set_all other PX 2500
  run on_terminal "" "$REDLOCK" exec -q -w 50 db -- echo ran
  [ "${lines[0]}" = ran ]
}

@test "on a terminal: a line that is too long ends behind a word, and says that there is more" {
  owner=$(printf 'longword %.0s' {1..20})
  hold_db --owner "$owner"
  run on_terminal 'wait:longword_... key:c' "$REDLOCK" exec db -- true
  let_go "$!"
  line=$(grep -oE 'redlock: waiting for db [^[:cntrl:]]*' <<<"$output" | head -n 1)
  echo "$line"
  line=${line%^C} # typed
  [ "${#line}" -lt 80 ]
  [[ $line == *' so far): held by longword '*' longword ...' ]]
}
