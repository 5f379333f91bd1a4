# Completion of minibot for fish: put this file as minibot.fish into ~/.config/fish/completions, or pipe it to source. Where
# minibot knows nothing, fish completes names of files.
function __minibot_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found ($words[1] __complete fish $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c minibot -f -a '(__minibot_complete)'
