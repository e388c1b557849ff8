/** Fish shows what stands after the tab as the description. */
export const fish = String.raw`# fish completion for calicoctl
function __calicoctl_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] 2>/dev/null)
        switch $line
            case :file
                __fish_complete_path (commandline -ct)
            case :directory
                __fish_complete_directories (commandline -ct)
            case '*'
                printf '%s\n' $line
        end
    end
end
complete -c calicoctl -f -a '(__calicoctl_complete)'
`;
