#!/usr/bin/env bats
# Every example of redlock(1), the README and docs/recipes.md, taken from there and run on five real nodes. The programs
# that they call (./migrate.sh, pg_dump ...) are stubs that note whether the lock was held when they ran.
# shellcheck disable=SC2030,SC2031 # run sets status and output

load helper

setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  start_nodes 5
  mkdir bin
  ln -s "$REDLOCK" bin/redlock
  WITH_STUBS=$PWD/bin:/usr/bin:/bin
}

# example man|readme|recipes HEADING N: the Nth block below that heading, as a reader sees it.
example() {
  local text
  text=$("$1_blocks" | sed -n "s/^$2:$3://p")
  if [ -z "$text" ]; then
    echo "no block $3 below \"$2\" ($1)" >&2
    return 1
  fi
  printf '%s\n' "$text"
}
# Each line of each block as "heading:number:line".
man_blocks() {
  awk '/^\.Sh / { inside = /EXAMPLES/ } !inside { next }
    /^\.Ss / { heading = substr($0, 5); count = 0 }
    /^\.Ed/ { block = 0 }
    block { print heading ":" count ":" $0 }
    /^\.Bd / { block = 1; ++count }' "$TEST_ROOT/man/redlock.1.in" | sed 's/\\&//g; s/\\e/\\/g'
}
readme_blocks() { markdown_blocks README.md; }
recipes_blocks() { markdown_blocks docs/recipes.md; }
markdown_blocks() {
  awk '!block && /^#+ / { heading = $0; sub(/^#+ /, "", heading); count = 0 }
    /^```/ { block = !block; if (block) ++count; next }
    block { print heading ":" count ":" $0 }' "$TEST_ROOT/$1"
}

# stub LOCK PATH...: creates programs that add "NAME ARG...: N" to the file ran; N is the number of nodes with the lock
# (many: 3 to 5). They exit with the code in the file CODE, if it exists.
stub() {
  local lock=$1 path
  shift
  for path; do
    cat >"$path" <<STUB
#!/bin/bash
count=0
for node in ${NODE_ADDRESSES[*]}; do
  [ "\$($CLI -s "\$node" EXISTS $lock)" != 1 ] || count=\$((count + 1))
  $CLI -s "\$node" GET $lock >>$PWD/values
  $CLI -s "\$node" PTTL $lock >>$PWD/ttls-\$1
done
[ "\$count" -lt 3 ] || count=many
echo "\${0##*/} \$*: \$count" >>$PWD/ran
! [ -e $PWD/before-\$1 ] || . $PWD/before-\$1
exit "\$(cat $PWD/CODE 2>/dev/null || echo 0)"
STUB
    chmod +x "$path"
  done
}
ran() { diff <(printf '%s\n' "$@") ran; }
lock_is_held_by() { grep -q "$1" values; }

# somebody_holds LOCK: another client holds it until let_go.
somebody_holds() {
  rm -f go
  background exec "$1" -- sh -c 'touch taken; while [ ! -e go ]; do sleep 0.01; done'
  wait_until test -e taken
  HOLDER=$!
}
let_go() {
  touch go
  wait "$HOLDER"
}

# on_every_node COMMAND...: runs it on all nodes.
on_every_node() {
  local node
  for node in 1 2 3 4 5; do node_cli "$node" "$@" >/dev/null; done
}

# cron: runs the command of a crontab with a shell, in an empty environment plus the variables of the crontab.
cron() {
  local line command='' environment=(-i HOME="$PWD" LOGNAME=tester SHELL=/usr/sbin/nologin)
  while IFS= read -r line; do
    case $line in
      '') ;;
      PATH=*) environment+=(PATH="$WITH_STUBS") ;;
      REDLOCK_NODES=redis://*) environment+=(REDLOCK_NODES="$REDLOCK_NODES") ;;
      [0-9*]*)
        [[ $line =~ ^([0-9*/,-]+\ +){5}[^\ ] && $line != *%* ]] || return
        command=$(sed -E 's/^([^ ]+ +){5}//' <<<"$line")
        ;;
      *) echo "cron would not understand: $line" && return 1 ;;
    esac
  done
  [ -n "$command" ]
  timeout 60 env "${environment[@]}" /bin/sh -c "$command"
}
# cron_example LOCK TEXT LINE...: the crontab runs the job under the lock, and exits silently if the lock is busy.
cron_example() {
  local crontab=$2
  run cron <<<"$crontab"
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
  ran "${@:3}"
  [ -z "$(keys_left)" ]
  somebody_holds "$1"
  run cron <<<"$crontab"
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
  ran "${@:3}"
  let_go
  # A job that fails has the same pause, and its exit code is passed on.
  rm ran
  fails "${3%% *}" 3
  run cron <<<"$crontab"
  [ "$status" -eq 3 ]
  ran "${@:3}"
}
# fails JOB CODE: the stub JOB exits with CODE.
fails() { sed -i "s/^exit .*/exit $2/" "bin/$1"; }

@test "man: cron" {
  stub report bin/nightly-report bin/sleep
  cron_example report "$(example man 'cron' 1)" 'nightly-report : many' 'sleep 30: many'
}

@test "README: cron" {
  stub db-backup bin/pg_dump bin/sleep
  cron_example db-backup "$(example readme 'cron' 1)" 'pg_dump -f app.sql app: many' 'sleep 30: many'
}

# longer_leases FILE: runs its lines on nodes that have the default guard.
longer_leases() {
  redlock exec -n other -- true
  refused 78 'redlock init --reconfigure' exec -n --ttl 10m other -- touch ran
  # shellcheck disable=SC1090 # the example
  . "./$1"
  refused_by REDLOCK_RESTART_GUARD=30s 78 'others use' exec -n other -- touch ran
}
# script_example FILE: two steps with an extend between them.
script_example() {
  chmod +x "$1"
  stub migration migrate.sh
  # Shortens the lease before the second step extends it.
  echo 'for node in '"${NODE_ADDRESSES[*]}"'; do '"$CLI"' -s "$node" PEXPIRE migration 60000; done >/dev/null' >before-schema
  run timeout 60 env PATH="$WITH_STUBS" "./$1"
  echo "$output"
  [ "$status" -eq 0 ]
  ran 'migrate.sh schema: many' 'migrate.sh data: many'
  [ "$(sort -n ttls-schema | tail -n 1)" -gt 500000 ]
  [ "$(sort -n ttls-data | tail -n 3 | head -n 1)" -gt 500000 ]
  lock_is_held_by 'schema%2042'
  wait_until eval '[ -z "$(keys_left)" ]'
  # The lock is lost during the first step: there is no second step.
  rm ran
  echo 'for node in '"${NODE_ADDRESSES[*]}"'; do '"$CLI"' -s "$node" DEL migration; done >/dev/null' >before-schema
  run timeout 60 env PATH="$WITH_STUBS" "./$1"
  [ "$status" -eq 79 ]
  ran 'migrate.sh schema: many'
  # The first step fails: there is no second step, and the lock is released.
  rm ran before-schema
  echo 3 >CODE
  run timeout 60 env PATH="$WITH_STUBS" "./$1"
  [ "$status" -eq 3 ]
  ran 'migrate.sh schema: many'
  wait_until eval '[ -z "$(keys_left)" ]'
  # A signal ends the script: there is no second step, and the lock is released.
  rm ran CODE
  echo 'kill -TERM "$PPID"' >before-schema
  run timeout 60 env PATH="$WITH_STUBS" "./$1"
  [ "$status" -eq 1 ]
  ran 'migrate.sh schema: many'
  wait_until_no_keys
  rm before-schema
  # Another client holds the lock, and a signal ends the script while it waits: the other client keeps the lock.
  somebody_holds migration
  theirs=$(value_of migration)
  setsid timeout 60 env PATH="$WITH_STUBS" "./$1" 2>waiting 3>&- &
  wait_until grep -q 'waiting for migration' waiting
  kill -TERM -- -"$!"
  wait "$!" || true
  [ "$(value_of migration)" = "$theirs" ]
  let_go
  # No majority: no step runs.
  rm ran
  for node in 1 2 3; do kill_node "$node"; done
  run timeout 60 env PATH="$WITH_STUBS" REDLOCK_WAIT=1 "./$1"
  [ "$status" -eq 69 ]
  [ ! -e ran ]
}

@test "man: shell script" {
  example man 'Shell script' 2 >guard
  longer_leases guard
  example man 'Shell script' 1 >script
  script_example script
}

@test "recipes: a lock over several steps" {
  example recipes 'A lock over several steps' 2 >guard
  longer_leases guard
  example recipes 'A lock over several steps' 1 >script
  script_example script
}

@test "README: a script that runs alone" {
  example readme 'Scripts' 1 >script
  chmod +x script
  stub import import.sh
  run timeout 60 env PATH="$WITH_STUBS" ./script
  [ "$status" -eq 0 ]
  ran 'import.sh : many'
  echo 4 >CODE
  run timeout 60 env PATH="$WITH_STUBS" ./script
  [ "$status" -eq 4 ]
  [ -z "$(keys_left)" ]
}

@test "recipes: a lock over several CI steps; a job that never had it releases nothing" {
  example recipes 'A lock over several steps' 2 >guard
  longer_leases guard
  example recipes 'A lock over several CI steps' 1 >first
  example recipes 'A lock over several CI steps' 2 >last
  # Each step is a shell of its own without state, as in CI.
  grep -q '^token_file=/tmp/' first
  sed -i "s|^token_file=/tmp/|token_file=$PWD/|" first last
  step() { timeout 60 env -i PATH="$WITH_STUBS" REDLOCK_NODES="$REDLOCK_NODES" REDLOCK_RESTART_GUARD=10m CI_JOB_ID="$1" sh -e "$2"; }
  step 1 first
  [ "$(stat -c %a redlock-staging-1)" = 600 ]
  wait_until eval '[ "$(holders staging)" -eq 5 ]'
  # Another job waits for the lock and is canceled. Its last step runs.
  theirs=$(value_of staging)
  setsid env PATH="$WITH_STUBS" CI_JOB_ID=2 sh -ec "$(sed 's/^redlock/exec redlock/' first)" 2>waiting 3>&- &
  wait_until grep -q 'waiting for staging' waiting
  kill -TERM "$!"
  wait "$!" || true
  step 2 last
  [ "$(value_of staging)" = "$theirs" ]
  # Without an ID, a step fails and releases nothing.
  run ! step '' last
  [ "$(value_of staging)" = "$theirs" ]
  # The first job's last step.
  step 1 last
  wait_until_no_keys
  [ -z "$(find . -name 'redlock-staging*')" ]
}

# deploy_example LOCK OWNER COMMAND...: COMMAND deploys under the lock, for OWNER, and passes on the exit code.
deploy_example() {
  local lock=$1 owner=$2
  shift 2
  stub "$lock" deploy.sh
  run timeout 60 env PATH="$WITH_STUBS" "$@"
  echo "$output"
  [ "$status" -eq 0 ]
  ran 'deploy.sh : many'
  lock_is_held_by "$owner"
  echo 5 >CODE
  run timeout 60 env PATH="$WITH_STUBS" "$@"
  [ "$status" -eq 5 ]
  [ -z "$(keys_left)" ]
}

# help_examples COMMAND: the examples of its --help, without the explanations.
help_examples() { redlock "$1" --help | sed -n '/^Examples:/,$ s/^  //p' | sed 's/    *[^ ].*//'; }

@test "help: the examples of exec, acquire, extend, release and status work with default settings" {
  stub nightly-report report.sh
  stub db-backup bin/pg_dump
  stub deploy bin/make
  stub migration migrate.sh
  help_examples exec >exec-lines
  [ "$(wc -l <exec-lines)" -ge 3 ]
  run timeout 60 env PATH="$WITH_STUBS" sh -e exec-lines
  echo "$output"
  [ "$status" -eq 0 ]
  ran 'report.sh : many' 'pg_dump -f out db: many' 'make : many' 'make install: many'
  wait_until_no_keys
  rm ran
  help_examples acquire >acquire-lines
  [ "$(wc -l <acquire-lines)" -ge 5 ]
  run timeout 60 env PATH="$WITH_STUBS" sh -e acquire-lines
  echo "$output"
  [ "$status" -eq 0 ]
  ran 'migrate.sh : many'
  wait_until_no_keys
  {
    help_examples acquire | head -n 1
    help_examples extend
    help_examples release
  } >lines
  run timeout 60 env PATH="$WITH_STUBS" sh -e lines
  echo "$output"
  [ "$status" -eq 0 ]
  wait_until_no_keys
  help_examples status >status-lines
  [ "$(wc -l <status-lines)" -ge 3 ]
  run timeout 60 env PATH="$WITH_STUBS" sh -e status-lines
  [ "$status" -eq 0 ]
  [[ $output == *free* ]]
}

@test "man: CI step" {
  example man 'CI step' 1 >step
  CI_JOB_ID=7 deploy_example deploy ci-7 sh -e step
}

@test "README: CI" {
  example readme 'CI' 1 >step
  CI_JOB_ID=7 deploy_example deploy-production ci-7 sh -e step
}

@test "README: the first line" {
  example readme 'redlock' 1 >line
  stub backup backup.sh
  run timeout 60 env PATH="$WITH_STUBS" sh -e line
  [ "$status" -eq 0 ]
  ran 'backup.sh : many'
  somebody_holds backup
  run timeout 60 env PATH="$WITH_STUBS" sh -e line
  [ "$status" -eq 75 ]
  let_go
}

@test "README: your own servers" {
  start_new_nodes 3
  example readme 'Your own servers' 1 >lines
  [[ $(sed -n 1p lines) == 'export REDLOCK_NODES=redis://'* ]]
  run timeout 60 env PATH="$WITH_STUBS" sh -e <(sed 1d lines)
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(grep -c 'good' <<<"$output")" -eq 3 ]
}

@test "recipes: GitHub Actions" {
  example recipes 'GitHub Actions' 1 | sed 's|${{ github.repository }}|me/app|; s|${{ github.run_id }}|7|' >step
  grep -qxF '    REDLOCK_NODES: ${{ secrets.REDLOCK_NODES }}' step
  REDLOCK_OWNER=$(sed -n 's/^    REDLOCK_OWNER: //p' step)
  export REDLOCK_OWNER
  [ "$REDLOCK_OWNER" = 'me/app#7' ]
  sed -n 's/^  run: //p' step >run-line
  GITHUB_WORKFLOW='Deploy it' deploy_example deploy-production 'me%2Fapp%237' bash -e run-line
  lock_is_held_by Deploy%20it
}

@test "recipes: GitLab" {
  example recipes 'GitLab' 1 >job
  export CI_JOB_ID=7 CI_PROJECT_PATH=me/app
  REDLOCK_OWNER=$(eval "echo $(sed -n 's/^    REDLOCK_OWNER: //p' job)")
  export REDLOCK_OWNER
  sed -n '/^  script:/,$ s/^    - //p' job >script-lines
  deploy_example deploy-production gitlab-7 bash -e script-lines
  lock_is_held_by me%2Fapp
}

@test "recipes: Jenkins" {
  example recipes 'Jenkins' 1 >pipeline
  grep -q "REDLOCK_NODES = credentials('redlock-nodes')" pipeline
  [ "$(grep -c '{$' pipeline)" -eq "$(grep -c '^ *}$' pipeline)" ]
  sed -n "s/^ *sh '\(.*\)'\$/\1/p" pipeline >sh-line
  BUILD_TAG=jenkins-app-7 deploy_example deploy-production jenkins-app-7 sh -xe sh-line
}

# exec_start FILE: runs ExecStart in the environment of systemd. redlock is not installed here.
exec_start() {
  local command
  command=$(sed -n 's/^ExecStart=//p' "$1")
  [[ $command == '/usr/local/bin/redlock '* ]]
  grep -q '^Environment=REDLOCK_NODES=redis://' "$1"
  run ! grep -qE '(^|[^$])(\$\$)*\$[^$]' <<<"$command" # would be a variable of systemd
  command=${command//'$$'/'$'}
  timeout 60 env -i SHELL=/usr/sbin/nologin PATH="$WITH_STUBS" REDLOCK_NODES="$REDLOCK_NODES" sh -c "${command/#'/usr/local/bin/'/}"
}
# unit_example FILE LINE...: the unit runs the job under the lock; a busy lock counts as success.
unit_example() {
  run exec_start "$1"
  echo "$output"
  [ "$status" -eq 0 ]
  ran "${@:2}"
  [ -z "$(keys_left)" ]
  somebody_holds report
  run exec_start "$1"
  [ "$status" -eq "$(sed -n 's/^SuccessExitStatus=//p' "$1")" ]
  [ "$output" = "" ]
  ran "${@:2}"
  let_go
  rm ran
  fails nightly-report 6
  run exec_start "$1"
  [ "$status" -eq 6 ]
  ran "${@:2}"
}
# verify FILE...: systemd has neither an error nor a warning.
verify() {
  command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze here"
  printf '[Service]\nExecStart=/bin/true\n' >good.service
  [ -z "$(systemd-analyze verify ./good.service 2>&1)" ] || skip "systemd-analyze cannot verify units here"
  sed -i "s|/usr/local/bin/redlock|$REDLOCK|" "$@"
  run systemd-analyze verify "${@/#/./}"
  [ "$status" -eq 0 ]
  [ "$output" = "" ]
}

@test "recipes: systemd service" {
  example recipes 'systemd' 1 >report.service
  stub report bin/nightly-report bin/sleep
  unit_example report.service 'nightly-report : many' 'sleep 30: many'
}

@test "recipes: systemd accepts service and timer" {
  example recipes 'systemd' 1 >report.service
  example recipes 'systemd' 2 >report.timer
  verify report.service report.timer
}

@test "README: 30 seconds" {
  example readme '30 seconds' 1 | sed -n 's/^\$ //p' >lines
  [[ $(sed -n 1p lines) == 'export PATH=$PWD/build/cmd:$PATH' ]]
  [[ $(sed -n 2p lines) == 'redlock lab '*'#'* ]]
  [ "$(wc -l <lines)" -eq 6 ]
  # The shell of the lab uses the nodes of the test.
  cat >bin/sleep <<'STUB'
#!/bin/sh
touch started
until [ -e go ]; do /bin/sleep 0.01; done
STUB
  chmod +x bin/sleep
  {
    sed -n 3p lines
    echo 'until [ -e started ]; do /bin/sleep 0.01; done'
    sed -n 4p lines
    echo 'echo "code $?"'
    sed -n 5p lines
    echo 'echo "code $?"; touch go'
    sed -n 6p lines
    echo 'echo "code $?"; wait'
  } >session
  run timeout 60 env PATH="$WITH_STUBS" LOGNAME=tester bash session
  echo "$output"
  [ "$status" -eq 0 ]
  grep -q '^backup.*tester@' <<<"$output"
  [ "$(grep '^code' <<<"$output" | paste -sd ' ')" = 'code 0 code 75 code 0' ]
  [ "${lines[-2]}" = 'my turn' ]
  run ! grep -q 'two at once!$' <<<"$output"
}

# a_shop TEXT: creates stock.db with ten bolts, and the program ./take-one from TEXT.
a_shop() {
  sqlite3 stock.db "CREATE TABLE stock (item, pieces, fence); INSERT INTO stock VALUES ('bolt', 10, 0);"
  printf '%s\n' "$1" >take-one
  chmod +x take-one
}
in_stock() { sqlite3 stock.db 'SELECT pieces FROM stock'; }
refuses_late_writers() {
  run redlock exec stock ./take-one
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(in_stock)" -eq 9 ]
  # A job is paused with its lock, and continues after another job.
  redlock exec --ttl 500ms --signal CONT --kill-after 100ms stock -c 'env | grep ^REDLOCK_FENCE= >late'
  redlock exec stock ./take-one
  [ "$(in_stock)" -eq 8 ]
  run env "$(cat late)" ./take-one
  [ "$status" -eq 1 ]
  [ "$(in_stock)" -eq 8 ]
}

@test "recipes: a database that refuses late writers" {
  a_shop "$(example recipes 'A database that refuses late writers' 1)"
  refuses_late_writers
  [[ $output == *"too late"* ]]
}

@test "recipes: a file that refuses late writers" {
  example recipes 'A file that refuses late writers' 1 >replace
  chmod +x replace
  redlock exec page -c 'echo first | ./replace file; env | grep ^REDLOCK_FENCE= >early'
  redlock exec page -c 'echo second | ./replace file; echo third | ./replace file'
  [ "$(cat file)" = third ]
  run env "$(cat early)" ./replace file <<<late
  [ "$status" -eq 1 ]
  [ "$(cat file)" = third ]
}

@test "no example without a test" {
  for document in man readme recipes; do
    "${document}_blocks" | sed -E "s/^([^:]*):([0-9]+):.*/$document '\1' \2/"
  done | sort -u >written
  {
    grep -oE "example (man|readme|recipes) '[^']+' [0-9]+" "$BATS_TEST_FILENAME" | sed 's/^example //'
    echo "readme 'Install' 1" # a checkout and a package manager are out of reach here
  } | sort -u >tested
  [ "$(wc -l <written)" -ge 20 ]
  diff written tested
}
