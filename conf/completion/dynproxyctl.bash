# bash completion for dynproxyctl(8); what there is comes from the live table
_dynproxyctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
    local -a options=()

    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -c | -s | -t) options+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}"); ((i++)) ;;
            --columns) ((i++)) ;;
            -*) ;;
            *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    # a column of a table
    _dynproxyctl_live() {
        "${COMP_WORDS[0]}" "${options[@]}" --no-headers --columns "$@" 2>/dev/null | sort -u
    }
    case $before,$command in
        -[cs],) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        -t,) mapfile -t COMPREPLY < <(compgen -W '500ms 10s 2m' -- "$word") ;;
        --columns,)
            # those before the last comma are done
            [[ $word == *,* ]] && before=${word%,*}, || before=
            mapfile -t COMPREPLY < <(compgen -P "$before" -W 'age backend canonical check client destination health hit kind last lease name
                origin pattern peer proof protocol received requests result sent since state subject text tool until url worker' -- "${word##*,}") ;;
        *,) mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" --help |
            sed -n 's/^  \([a-z][a-z]*\) .*/\1/p') -c -s -t -q -v --json --no-headers --columns" -- "$word") ;;
        *,tool | *,list | *,del | *,tail | *,watch | *,add)
            mapfile -t COMPREPLY < <(compgen -W "$(_dynproxyctl_live tool list)" -- "$word") ;;
        *,maintenance) mapfile -t COMPREPLY < <(compgen -W "on off --for --until $(_dynproxyctl_live tool list)" -- "$word") ;;
        *,drain | *,undrain)
            mapfile -t COMPREPLY < <(compgen -W "$(_dynproxyctl_live destination list | sed 's|.*//||')" -- "$word") ;;
        *,unban) mapfile -t COMPREPLY < <(compgen -W "$(_dynproxyctl_live subject bans)" -- "$word") ;;
        route,wait) mapfile -t COMPREPLY < <(compgen -W "$(_dynproxyctl_live tool list)" -- "$word") ;;
        *,wait) mapfile -t COMPREPLY < <(compgen -W 'ready route up --timeout' -- "$word") ;;
        *,standby) mapfile -t COMPREPLY < <(compgen -W 'on off' -- "$word") ;;
        *,registration) mapfile -t COMPREPLY < <(compgen -W 'on off --reason' -- "$word") ;;
        *,block | *,unblock) mapfile -t COMPREPLY < <(compgen -W 'agent referer --for --until' -- "$word") ;;
        *,ban) mapfile -t COMPREPLY < <(compgen -W '--for --until' -- "$word") ;;
        *,explain) mapfile -t COMPREPLY < <(compgen -W '--client --agent' -- "$word") ;;
        *,import) mapfile -t COMPREPLY < <(compgen -W '-n' -f -- "$word") ;;
        *,scrub) mapfile -t COMPREPLY < <(compgen -W '-n --unknown' -- "$word") ;;
        --tool,sessions) mapfile -t COMPREPLY < <(compgen -W "$(_dynproxyctl_live tool list)" -- "$word") ;;
        *,sessions) mapfile -t COMPREPLY < <(compgen -W '--tool --older' -- "$word") ;;
        *,stop) mapfile -t COMPREPLY < <(compgen -W '--now' -- "$word") ;;
        --by,top) mapfile -t COMPREPLY < <(compgen -W 'rate errors ms' -- "$word") ;;
        *,top) mapfile -t COMPREPLY < <(compgen -W 'unknown --once --by' -- "$word") ;;
    esac
}
complete -F _dynproxyctl dynproxyctl
