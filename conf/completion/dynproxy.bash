# bash completion for dynproxy's programs, by what their --help says
_dynproxy() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local program=${COMP_WORDS[0]} help value words

    help=$("$program" --help 2> /dev/null)
    # "FILE" of "--template FILE"; nothing behind an option that takes no value
    value=$(sed -nE "s/.*${before//[^a-z-]/} ([A-Z]+).*/\1/p" <<< "$help")
    case ${program##*/}:$before:$value in
        *:--*:FILE | *:--*:SOCKET)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        *:--*:DIRECTORY)
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            return
            ;;
        *:--backend:*) words=$(sed -n 's/.*--backend \([a-z|]*\).*/\1/p' <<< "$help" | tr '|' ' ') ;;
        *:--type:*) words=$(sed -n 's/^types: //p' <<< "$help" | tr -d ,) ;;
        *:--*:?*) words= ;;
        portgrabber:*)
            [ "$COMP_CWORD" -lt 2 ] || mapfile -t COMPREPLY < <(compgen -c -- "$word")
            return
            ;;
        *)
            # options, types, and the commands that begin lines of their own
            words=$(grep -oE -- '--[a-z-]+[a-z]' <<< "$help"
                [[ $program == *webservice ]] && sed -n 's/^types: //p' <<< "$help" | tr -d ,
                sed -nE 's/^  ([a-z]+).*/\1/p' <<< "$help")
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _dynproxy webservice webservice-runner webservicemonitor portgrabber dynproxy-domains kube2proxy
complete -o default -F _dynproxy dynproxy-import    # its operands are files
