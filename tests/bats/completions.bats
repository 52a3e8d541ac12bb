#!/usr/bin/env bats
# What TAB offers in bash, zsh and fish, compared with the help of the program.

load helper
load completing

DURATIONS='10s 30s 1m 5m 1h'
SIGNALS='TERM INT HUP QUIT USR1 USR2'

setup() {
  the_setup
  # Files that a wrong script would offer everywhere, and a command to run under the lock.
  mkdir folder bin
  touch file-one file-two folder/file-three
  printf '#!/bin/sh\n' >bin/lockable-command
  chmod +x bin/lockable-command
  ln -s "$REDLOCK" bin/redlock # fish asks whether there is such a command
  PATH=$PWD/bin:$PATH
}

# "NAME<TAB>SUMMARY" of each command, from the overview.
commands() { redlock --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'; }
command_names() { commands | cut -f 1 | grep -vx help; }

# Every spelling of every option of COMMAND, from its help.
spellings() { redlock "$1" --help | sed -n 's/^ \{2,6\}\(-[^ ,]*\(, -[^ ,]*\)*\).*/\1/p' | sed 's/, /\n/g'; }

@test "the scripts have no syntax errors, and are installed where shells look for them" {
  bash -n "$SCRIPTS/redlock"
  zsh -n "$SCRIPTS/_redlock"
  fish --no-config -n "$SCRIPTS/redlock.fish"
  shellcheck --norc "$SCRIPTS/redlock"
  for place in bash-completion/completions/redlock zsh/site-functions/_redlock \
    fish/vendor_completions.d/redlock.fish; do
    grep -q "\"{datadir}/$place\"" "$BUILD/meson-info/intro-install_plan.json"
  done
}

@test "commands, where a command belongs" {
  mapfile -t names < <(command_names)
  [ "${#names[@]}" -ge 6 ]
  offers 'redlock ' "${names[@]}" help --help --version
  offers 'redlock -' -h --help -V --version
  offers 'redlock ac' acquire
  offers 'redlock help ' "${names[@]}"
  offers 'redlock help exec '
  offers 'redlock --help '
  offers 'redlock no-such-command -'
  offers '/usr/bin/redlock rel' release
  offers 'VARIABLE=1 redlock rel' release
  in_all_shells
}

@test "each command has exactly the options of its help" {
  for name in $(command_names); do
    mapfile -t options < <(spellings "$name")
    [ "${#options[@]}" -ge 8 ]
    offers "redlock $name -" "${options[@]}"
  done
  offers 'redlock exec NAME --nonb' --nonblock --nonblocking
  offers 'redlock acquire -w 5 -q NAME --kil'
  in_all_shells
}

@test "descriptions are the summaries and the first clauses of the help texts" {
  mapfile -t names < <(command_names)
  for shell in zsh fish; do
    ask "$shell" 'redlock ' "${names[@]/*/redlock & -}" >answers
    for name in "${names[@]}"; do
      [ "$(grep "^0"$'\t'"$name"$'\t' answers)" = "0"$'\t'"$(commands | grep "^$name"$'\t')" ]
    done
    for number in "${!names[@]}"; do
      help=$(redlock "${names[number]}" --help | tr -s '\n ' ' ')
      grep "^$((number + 1))"$'\t' answers >options
      [ "$(wc -l <options)" -ge 8 ]
      while IFS=$'\t' read -r _ word text; do
        echo "$shell: ${names[number]}: $word: '$text'"
        [[ $text == *' '* && ${#text} -le 80 && $help == *" $text"* ]]
      done <options
    done
  done
}

@test "values: each option offers suitable words" {
  # shellcheck disable=SC2086 # words
  for option in -w --wait --timeout --ttl -k --kill-after --node-timeout --slack -nqw; do
    offers "redlock exec $option " $DURATIONS
  done
  offers 'redlock exec -w 5 --ttl 3' 30s
  offers 'redlock exec --ttl=3' --ttl=30s
  offers 'redlock exec --ttl=' --ttl={10s,30s,1m,5m,1h}
  # shellcheck disable=SC2086 # words
  offers 'redlock exec --signal ' $SIGNALS
  offers 'redlock exec --signal=H' --signal=HUP
  offers 'redlock acquire --format ' token env json
  offers 'redlock acquire --format=' --format={token,env,json}
  offers 'redlock exec --format='
  in_all_shells
}

@test "values: redlock accepts the offered words" {
  # Without nodes the code is 78, after all options were accepted.
  for value in $DURATIONS; do run -78 redlock exec --wait "$value" --ttl 1h NAME true; done
  for value in $SIGNALS; do run -78 redlock exec --signal "$value" NAME true; done
  for value in token env json; do run -78 redlock acquire --format "$value" NAME; done
}

@test "values: files and addresses" {
  offers 'redlock extend --token-file fi' file-one file-two
  offers 'redlock extend --token-file=fi' --token-file=file-one --token-file=file-two
  offers 'redlock exec --password-file file-o' file-one
  offers 'redlock exec -S ' redis:// unix://
  offers 'redlock status --server r' redis://
  offers 'redlock exec --node=' --node=redis:// --node=unix://
  offers 'redlock exec -S redis://a:1,' redis://a:1,redis:// redis://a:1,unix://
  offers "redlock exec -S unix://$PWD/file-o" "unix://$PWD/file-one"
  offers "redlock exec --server=redis://a:1,unix://$PWD/file-o" "--server=redis://a:1,unix://$PWD/file-one"
  in_all_shells
}

@test "nothing is offered for names of locks, numbers and texts, not even files" {
  for option in -E --conflict-exit-code --owner --why -c --user --prefix --quorum --drift; do
    offers "redlock exec $option "
    offers "redlock exec $option fi"
  done
  for name in $(command_names); do
    [ "$name" = lab ] || offers "redlock $name fi"
  done
  offers 'redlock acquire '
  offers 'redlock exec '
  offers 'redlock exec -- '
  offers 'redlock status one fi'
  offers 'redlock acquire -- fi'
  offers 'redlock lab --nodes fi'
  in_all_shells
}

@test "after the name, the command under the lock completes like any command" {
  for before in 'exec NAME' 'exec -- NAME --' lab; do
    offers "redlock $before ./bin/lock" ./bin/lockable-command
    offers "redlock $before cat folder/fi" folder/file-three
    # The options of the command, and not ours.
    offers "redlock $before redlock release --to" --token --token-file
    offers "redlock $before redlock exec OTHER -- lockable" lockable-command
    offers "redlock $before lockable-command --ver"
  done
  for before in 'exec NAME' 'exec NAME --' 'exec -- NAME' 'exec -- NAME --' 'exec "A NAME"' 'exec a=b:c' \
    'exec -n -w 5 --ttl 3m -S redis://a:1,redis://b NAME' 'exec -nqw5 --ttl=3m NAME -v' 'exec -qw 5 NAME --' \
    'exec -v -v NAME' lab 'lab --' 'lab --nodes 3'; do
    offers "redlock $before lockable" lockable-command
    offers "redlock $before redlock acquire --format=e" --format=env
  done
  in_all_shells
}

@test "after -c there is no command to complete" {
  offers 'redlock exec -c LINE NAME lockable'
  offers 'redlock exec -nc LINE NAME lockable'
  offers 'redlock exec -cLINE NAME lockable'
  offers 'redlock exec NAME -c LINE lockable'
  in_all_shells
}
