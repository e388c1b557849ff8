import type { Command } from "./command.ts";

/** What stands below the options in a command's help. */
export function afterHelp({ examples }: Command): string {
  const lines = examples.flatMap(({ command, does }) => [`  # ${does}`, `  ${command}`]);
  const more = "Options for the store and this node: calicoctl --help";
  return ["", ...(lines.length > 0 ? ["Examples:", ...lines, ""] : []), more].join("\n");
}
