#!/usr/bin/zsh -f
# t/complete.zsh LINE - what zsh would complete LINE's last word to, a match a
# line.  COMPLETIONS is the directory of what is tested.
#
# Completion runs in the line editor only, which wants a terminal: there is
# another zsh in one, where compadd writes down what it is given, unless -O, -A
# or -D ask for an array instead of a match.
setopt err_exit
zmodload zsh/zpty

setup='PROMPT=; fpath=($COMPLETIONS $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    local -a _hits
    if [[ " ${@[1,(i)(-|--)]} " != *\ -(O|A|D)\ * ]]; then
        builtin compadd -A _hits "$@"
        (( ! $#_hits )) || print -rl -- $_hits >> $MATCHES
    fi
    builtin compadd "$@"
}
finish() { exit }
comppostfuncs=(finish)
bindkey "^I" complete-word; print READY'

export MATCHES=$(mktemp)
{
    zpty shell zsh -f -i
    zpty -w shell $setup
    zpty -r -m shell said $'*READY\r*'
    zpty -w -n shell "$1"$'\t'
    while zpty -r shell said; do :; done
    sort -u $MATCHES
} always {
    rm -f $MATCHES
}
