# Completion of minibot for bash 3.2 and later: eval "$(minibot completion bash)", or put this file where bash-completion
# looks for it. Where minibot knows nothing, bash completes names of files.
_minibot() {
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]}" __complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
}
complete -o default -o bashdefault -F _minibot minibot
