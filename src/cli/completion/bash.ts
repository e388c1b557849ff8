/**
 * Bash splits words at : and = too (COMP_WORDBREAKS), so the line is split anew at blanks, and what bash already has
 * of the word is taken off the answers.
 */
export const bash = String.raw`# bash completion for calicoctl
_calicoctl() {
  local line="${"$"}{COMP_LINE:0:COMP_POINT}" words current tail kept word help
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current="${"$"}{words[-1]}"
  tail="$current"
  [[ $COMP_WORDBREAKS == *:* ]] && tail="${"$"}{tail##*:}"
  [[ $COMP_WORDBREAKS == *=* ]] && tail="${"$"}{tail##*=}"
  kept="${"$"}{current%"$tail"}"
  COMPREPLY=()
  while IFS=$'\t' read -r word help; do
    case $word in
      :file) compopt -o filenames; COMPREPLY+=($(compgen -f -- "$tail")) ;;
      :directory) compopt -o filenames; COMPREPLY+=($(compgen -d -- "$tail")) ;;
      *[.:=/]) compopt -o nospace; COMPREPLY+=("${"$"}{word#"$kept"}") ;;
      *) COMPREPLY+=("${"$"}{word#"$kept"}") ;;
    esac
  done < <("${"$"}{words[0]}" __complete -- "${"$"}{words[@]:1}" 2>/dev/null)
}
complete -F _calicoctl calicoctl
`;
