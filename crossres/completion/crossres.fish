# Completion of crossres for fish: crossres completion fish > ~/.config/fish/completions/crossres.fish
function __crossres_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l command (string replace -r '^~' $HOME -- $words[1])
    type -q -- $command; or return
    set -l lines ($command __complete words $words[2..] "$current" 2>/dev/null)
    printf '%s\n' $lines[2..]
    set -l option (string match -r -- '^--[^=]*=' $current)
    set -l path (string replace -r -- '^--[^=]*=' '' $current)
    switch "$lines[1]"
        case 'files*'
            printf "$option%s\n" (__fish_complete_path "$path")
        case 'folders*'
            printf "$option%s\n" (__fish_complete_directories "$path")
    end
end
complete -c crossres -f -k -a '(__crossres_complete)'
