#compdef minibot
# Completion of minibot for zsh: put this file as _minibot into a folder of fpath, or eval "$(minibot completion zsh)" after
# compinit. Where minibot knows nothing, zsh completes names of files.
_minibot() {
  local -a found
  found=("${(@f)$("${words[1]}" __complete zsh "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -z "$found" ]]; then
    _files
  else
    _describe -V minibot found
  fi
}
if [[ "${funcstack[1]}" == _minibot ]]; then
  _minibot "$@"
else
  compdef _minibot minibot
fi
