# Completion of crossres for bash 3.2 and newer. In ~/.bashrc: eval "$(crossres completion bash)"
_crossres() {
    local current="${COMP_WORDS[COMP_CWORD]}" line value paths="" cut=""
    COMPREPLY=()
    case "$current" in
        = | :) current="" ;; # bash takes these for words
    esac
    while IFS= read -r line; do
        if [ -z "$paths" ]; then
            paths="$line"
            continue
        fi
        value="${line%%$'\t'*}"
        if [ -z "$cut" ]; then # what stands before the part that bash completes
            cut="${COMP_LINE:0:COMP_POINT}"
            cut="${cut##*[[:space:]]}"
            cut="x${cut%"$current"}"
        fi
        COMPREPLY+=("${value#"${cut#x}"}")
    done < <("${1/#\~/$HOME}" __complete line "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    case "$paths" in
        *nospace) compopt -o nospace 2>/dev/null ;;
    esac
    case "$paths" in
        files*) paths=-f ;;
        folders*) paths=-d ;;
        *) return ;;
    esac
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(compgen "$paths" -- "$current")
}
complete -F _crossres crossres
