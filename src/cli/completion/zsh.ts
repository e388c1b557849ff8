/** Works both as a file in fpath and when it is sourced. */
export const zsh = String.raw`#compdef calicoctl
_calicoctl() {
  local line word help
  local -a plain open files
  for line in "${"$"}{(@f)$("${"$"}{words[1]}" __complete -- "${"$"}{(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    word="${"$"}{line%%$'\t'*}"
    help="${"$"}{line#*$'\t'}"
    case $word in
      "") ;;
      :file) _files; return ;;
      :directory) _files -/; return ;;
      *[.:=/]) open+=("$word") ;;
      *)
        if [[ $help == "$word" || -z $help ]]; then
          plain+=("${"$"}{word//:/\\:}")
        else
          plain+=("${"$"}{word//:/\\:}:$help")
        fi ;;
    esac
  done
  (( ${"$"}{#open} )) && compadd -S "" -a open
  (( ${"$"}{#plain} )) && _describe calicoctl plain
}
if [[ $funcstack[1] == _calicoctl ]]; then
  _calicoctl "$@"
else
  compdef _calicoctl calicoctl
fi
`;
