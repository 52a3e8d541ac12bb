#!/usr/bin/env bats
# The examples for CI (examples/ci) are valid YAML and fit the CI system. Their steps run as in CI, on three real nodes
# that are as new as service containers.
# shellcheck disable=SC2016 # expressions and inner shells

load helper

setup() {
  the_setup
  unset REDLOCK_RESTART_GUARD
  start_new_nodes 3
  NODES=$REDLOCK_NODES
  unset REDLOCK_NODES
  mkdir bin temp
  # A repository with ./bootstrap build stands for the source of redlock.
  mkdir source
  cat >source/bootstrap <<STUB
#!/bin/sh
[ "\$*" = build ] || exit 64
mkdir -p "\$(dirname "\$0")/build/cmd" && ln -s "$PWD/redlock-there" "\$(dirname "\$0")/build/cmd/redlock"
STUB
  chmod +x source/bootstrap
  git -C source init -q
  git -C source add bootstrap
  git -C source -c user.name=me -c user.email=me@localhost commit -q -m source
  ln -s "$REDLOCK" redlock-there
  cat >integration-test.sh <<STUB
#!/bin/sh
code=0
"$REDLOCK" status -q integration || code=\$?
"$REDLOCK" status --json integration >>status
echo "held \$code" >>ran
exit "\$(cat CODE 2>/dev/null || echo 0)"
STUB
  chmod +x integration-test.sh
  printf '#!/bin/sh\necho "apt-get $*" >>"%s/installed"\n' "$PWD" >bin/apt-get
  chmod +x bin/apt-get
}

# of FILE EXPRESSION: prints the expression; "it" is the document examples/ci/FILE.
of() { python3 "$TEST_ROOT/tests/bats/read_yaml.py" "$TEST_ROOT/examples/ci/$1" | json "$2"; }

# Replaces the nodes and the source of the example by those of the test.
as_ci() {
  timeout 60 env -i CI=true HOME="$PWD" PATH="$PWD/bin:/usr/bin:/bin" REDLOCK_NODES="$NODES" \
    REDLOCK_REPOSITORY="file://$PWD/source" REDLOCK_TEST_MARK="$REDLOCK_TEST_MARK" TMPDIR="$TMPDIR" "$@"
}

# github_job: runs each step in a shell of its own, with the PATH of the earlier steps, until one fails.
github_job() {
  local step count
  rm -rf temp/*
  : >path
  count=$(of github-actions.yml 'len(it["jobs"]["test"]["steps"])')
  for ((step = 0; step < count; ++step)); do
    of github-actions.yml "it['jobs']['test']['steps'][$step].get('run', ':')" >"step-$step"
    as_ci PATH="$(tac path | tr '\n' ':')$PWD/bin:/usr/bin:/bin" RUNNER_TEMP="$PWD/temp" GITHUB_PATH="$PWD/path" \
      GITHUB_WORKFLOW='Tests it' bash --noprofile --norc -eo pipefail "step-$step" || return
  done
}
# gitlab_job: runs all lines in one shell.
gitlab_job() {
  rm -rf temp/*
  {
    echo 'set -eo pipefail'
    of gitlab-ci.yml '"\n".join(it["test"]["before_script"] + it["test"]["script"])' | sed "s|/tmp/redlock|$PWD/temp/redlock|g"
  } >script
  as_ci CI_JOB_NAME='Tests it' bash --noprofile --norc script
}

# runs_the_test JOB: the job runs its test under the lock, on new nodes, and fails if the test fails.
runs_the_test() {
  REDLOCK_NODES=$NODES refused 69 'the nodes are new' exec -n integration -- touch ran
  run "$1"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output != *'waiting for integration'* ]] # as it would for nodes that nobody has set up
  [ "$(cat ran)" = 'held 75' ]
  [ "$(json 'it["locks"][0]["holder"]["why"]' <status)" = 'Tests it' ]
  no_keys
  # The same on nodes that are set up, with a test that fails.
  echo 7 >CODE
  run "$1"
  echo "$output"
  [ "$status" -eq 7 ]
  no_keys
}

@test "GitHub Actions: the services are the nodes, each at its own port, with a health check" {
  [ "$(of github-actions.yml 'it["env"]["REDLOCK_NODES"] == ",".join("redis://127.0.0.1:" +
    each["ports"][0].split(":")[0] for each in it["jobs"]["test"]["services"].values())')" = True ]
  [ "$(of github-actions.yml 'all(each["ports"][0].endswith(":6379") and len(each["ports"]) == 1
    and each["image"].startswith("redis:") and "--health-cmd \"redis-cli ping\"" in each["options"]
    for each in it["jobs"]["test"]["services"].values())')" = True ]
  [ "$(of github-actions.yml 'len(set(it["env"]["REDLOCK_NODES"].split(",")))')" = 3 ]
  # Each step has either "run" or "uses".
  [ "$(of github-actions.yml 'all(("run" in step) != ("uses" in step) and set(step) <= {"name", "run", "uses"}
    for step in it["jobs"]["test"]["steps"])')" = True ]
  [ "$(of github-actions.yml 'sorted(it)')" = "['env', 'jobs', 'name', 'on']" ]
}

@test "GitHub Actions: the steps, on new nodes" { runs_the_test github_job; }

@test "GitLab: the services are the nodes, by their aliases" {
  [ "$(of gitlab-ci.yml 'it["test"]["variables"]["REDLOCK_NODES"] == ",".join("redis://" + each["alias"] + ":6379"
    for each in it["test"]["services"])')" = True ]
  [ "$(of gitlab-ci.yml 'all(each["name"].startswith("redis:") for each in it["test"]["services"])')" = True ]
  [ "$(of gitlab-ci.yml 'len({each["alias"] for each in it["test"]["services"]})')" = 3 ]
  [ "$(of gitlab-ci.yml 'set(it["test"]) == {"stage", "image", "timeout", "services", "variables", "before_script",
    "script"}')" = True ]
}

@test "GitLab: the lines of the job, on new nodes" {
  runs_the_test gitlab_job
  grep -q '^apt-get install .* git' installed
}

@test "a wrong YAML file is refused" {
  local bad
  for bad in 'a: [b' 'a: b: c' $'a: b\n  c: d' $'a:\n\tb: c' 'a: "b' $'a: b\na: c' 'a: *b' 'a:' $'a: |\nb' 'just words' 'a: b # c'; do
    printf '%s\n' "$bad" >bad.yml
    run ! python3 "$TEST_ROOT/tests/bats/read_yaml.py" bad.yml
  done
  printf "a:\n  - b: |\n      x\n       y\n\n    c: ['d', e]\n  # no\n  - f\n" >good.yml
  [ "$(python3 "$TEST_ROOT/tests/bats/read_yaml.py" good.yml)" = '{"a": [{"b": "x\n y\n", "c": ["d", "e"]}, "f"]}' ]
}

@test "bootstrap build in CI asks no question, and a compiler warning is no error" {
  mkdir elsewhere
  cp "$TEST_ROOT/bootstrap" elsewhere
  for tool in meson ninja; do
    printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n' "$tool" "$PWD" >"bin/$tool"
    chmod +x "bin/$tool"
  done
  run as_ci elsewhere/bootstrap build </dev/null
  echo "$output"
  [ "$status" -eq 0 ]
  diff - calls <<<$'meson setup build -Dtests=false\nninja -C build'
}
