# What shells offer when a user presses TAB. Real shells with real line editors, loaded the way a distribution does.
#
#   offers LINE WORD...     with the cursor at the end of LINE, every shell is to offer these words and no other
#                           (the whole last word of the line, as it will stand there)
#   in_all_shells           asks the shells all of it, at once because starting them takes longest
#   ask SHELL LINE...       what SHELL offers: "number of the line<TAB>word<TAB>description", from 0 on; no
#                           descriptions in bash. Fails when the shell complains of anything.
#
# SHELL is one of $SHELLS; bash_alone is bash without the bash-completion package, under set -u.

SHELLS='bash_alone bash_package zsh fish'
BUILD=$(cd "$(dirname "$REDLOCK")/.." && pwd)
SCRIPTS=$BUILD/completions

ASKED=() EXPECTED=()

offers() {
  local word
  ASKED+=("$1")
  for word in "${@:2}"; do EXPECTED+=("$1 -> $word"); done
}

in_all_shells() {
  local shell failed=0
  printf '%s\n' "${ASKED[@]}" >asked
  printf '%s\n' "${EXPECTED[@]}" | sed '/^$/d' | sort >expected
  for shell in $SHELLS; do
    ask "$shell" "${ASKED[@]}" >answers || return
    awk -F '\t' 'NR == FNR { line[NR - 1] = $0; next } { print line[$1] " -> " $2 }' asked answers | sort -u >offered
    diff expected offered >difference && continue
    echo "$shell (< should be offered, > is):"
    grep '^[<>]' difference | head -n 40
    failed=1
  done
  return $failed
}

ask() {
  local shell=$1 failed=0
  shift
  rm -f complaints
  export CAPTURED=$PWD/captured SCRIPTS
  : >"$CAPTURED"
  "ask_$shell" "$@" || failed=1
  if [ -s complaints ]; then
    echo "$shell complains:" >&2
    cat complaints >&2
    failed=1
  fi
  return $failed
}

# readline reads a pipe as it reads a terminal; in a session of its own it cannot quarrel over ours. Escape * puts all
# that is offered into the line, and Ctrl-T, here, writes the line down.
ask_bash() {
  local load=$1 line token stem word words number=0
  shift
  cat >rc <<RC
PS1=
$load
show() { printf '%s\n' "\$READLINE_LINE" >>"\$CAPTURED"; READLINE_LINE= READLINE_POINT=0; }
bind -x '"\C-t": show'
RC
  # shellcheck disable=SC2059 # the same format for each
  printf '%s\e*\x14' "$@" | HOME=$PWD TERM=dumb setsid -w timeout 60 bash --rcfile rc -i >log 2>&1 ||
    { tail -n 40 log >&2; return 1; }
  grep 'bash: \|rc: ' log | grep -v 'cannot set terminal process group\|no job control' >complaints
  for line; do
    token=${line##* }
    stem=${token%"${token##*[=:]}"} # here readline begins a new word
    IFS= read -r word
    words=${word#"${line%"$token"}"}
    # No space is added where nothing was offered.
    if [[ $words == *' ' ]]; then
      for word in $words; do printf '%s\t%s\n' "$number" "$stem${word#"$stem"}"; done
    fi
    ((++number))
  done <"$CAPTURED"
}
ask_bash_alone() { ask_bash 'set -u; source "$SCRIPTS/redlock"' "$@"; }
ask_bash_package() {
  # Found by its name, like what is installed.
  BASH_COMPLETION_USER_DIR=$BUILD ask_bash \
    "source '$(pkg-config --variable=completionsdir bash-completion)/../bash_completion'" "$@"
}

ask_fish() {
  HOME=$PWD timeout 60 fish --no-config -c 'set -p fish_complete_path $SCRIPTS
    for number in (seq (count $argv))
      for each in (complete -C $argv[$number]); printf "%s\t%s\n" (math $number - 1) $each; end
    end' "$@" 2>complaints
}

# A zsh on a terminal of its own, in which compadd writes down what it is given.
ask_zsh() {
  cat >inner.zsh <<'INNER'
COLUMNS=500 number=0
fpath=($SCRIPTS $fpath)
autoload -Uz compinit
# What it found among a thousand files it keeps for the other tests.
compinit -C -d $BATS_FILE_TMPDIR/zcompdump
zmodload zsh/zutil
zstyle ':completion:*' list-grouped false
zstyle ':completion:*' list-separator ''
compadd() {
  # With these it only answers a question of the completion system.
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
    builtin compadd "$@"
    return
  fi
  typeset -a found texts
  if (( $@[(I)-d] )); then
    local given=${@[$(( ${@[(i)-d]} + 1 ))]}
    if [[ $given == \(* ]]; then eval "texts=$given"; else texts=("${(@P)given}"); fi
  fi
  builtin compadd -A found -D texts "$@"
  builtin compadd "$@"
  local result=$? index
  typeset -A before hidden
  zparseopts -E P:=before p:=hidden
  for (( index = 1; index <= $#found; ++index )); do
    # The text begins with the word again.
    print -r -- "$number"$'\t'"$IPREFIX$before[-P]$hidden[-p]$found[index]"$'\t'"${${texts[index]-}##[^ ]# #}"
  done >>$CAPTURED
  return result
}
setopt extended_glob
finish() {
  comppostfuncs=(finish) compstate[insert]= compstate[list]=
  (( ++number ))
  print '<done>'
  zle -U $'\x15'
}
comppostfuncs=(finish)
bindkey '^U' kill-whole-line
bindkey '^I' complete-word
print '<done>'
INNER
  cat >outer.zsh <<'OUTER'
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PROMPT=; stty -echo; source $PWD/inner.zsh"
zpty -r -m inner said '*<done>*'
for line; do
  zpty -n -w inner $line$'\t'
  zpty -r -m inner said '*<done>*'
  print -r -- $said
done
zpty -d inner
OUTER
  HOME=$PWD TERM=dumb timeout 60 zsh -f outer.zsh "$@" >log 2>&1 || { tail -n 40 log >&2; return 1; }
  grep '_redlock[a-z_]*:[0-9]\|inner.zsh:' log >complaints
  cat "$CAPTURED"
}
