#compdef crossres
# Completion of crossres for zsh: as _crossres in a folder of $fpath, or, after compinit in
# ~/.zshrc, by eval "$(crossres completion zsh)"
_crossres() {
    local line value about paths current
    local -a lines whole begun
    current=${${(Q)words[CURRENT]}#[\"\']} # of a quotation that is not closed yet
    lines=("${(@f)$("${(Q)words[1]/#\~/$HOME}" \
        __complete words "${(@Q)words[2,CURRENT-1]}" "$current" 2>/dev/null)}")
    paths=$lines[1]
    for line in "${(@)lines[2,-1]}"; do
        value=${line%%$'\t'*} about=${line#*$'\t'}
        line=${value//:/\\:}${about:+:$about} # the colon before a description, which values have, too
        if [[ $value == *[=:] ]]; then begun+=("$line"); else whole+=("$line"); fi
    done
    (( $#whole )) && _describe -V crossres whole
    (( $#begun )) && _describe -V crossres begun -S ''
    [[ $words[CURRENT] == --*=* ]] && compset -P '*='
    case $paths in
        files*) _files ;;
        folders*) _files -/ ;;
    esac
}
if [[ $funcstack[1] == _crossres ]]; then
    _crossres "$@"
else
    compdef _crossres crossres
fi
