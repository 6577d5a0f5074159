# bash completion for webservice(1) and webservice-runner(1)
_webservice() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local types='generic lighttpd lighttpd-plain nodejs tomcat uwsgi-plain uwsgi-python'

    case $before in
        --backend) mapfile -t COMPREPLY < <(compgen -W 'gridengine kubernetes local' -- "$word") ;;
        --template) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        --type) mapfile -t COMPREPLY < <(compgen -W "$types" -- "$word") ;;
        *)
            if [ "${COMP_WORDS[0]##*/}" = webservice-runner ]; then
                types='--type --register-proxy --port --address --proxy'
            else
                types+=' start stop restart status logs --backend --release --mem --cpu --replicas --template'
            fi
            mapfile -t COMPREPLY < <(compgen -W "$types" -- "$word")
            ;;
    esac
}
complete -F _webservice webservice webservice-runner
