/**
 * What a shell needs to know is only how to ask `calicoctl __complete`, which answers from the command tree itself:
 * an updated program completes anew without an updated script.
 */
import { bash } from "./bash.ts";
import { fish } from "./fish.ts";
import { zsh } from "./zsh.ts";

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

/** The shells that can be completed in. */
export const shells: readonly string[] = Object.keys(scripts);

export const completionScript = (shell: string): string => scripts[shell] ?? "";
