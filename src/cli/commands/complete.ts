import { optionalArgumentList } from "../arguments.ts";
import { defineCommand } from "../command.ts";

/** What the completion scripts call: the words of the line so far, the last one being typed, perhaps empty. */
export const complete = defineCommand({
  path: ["__complete"],
  summary: "Print what could come next, one a line",
  hidden: true,
  arguments: { words: optionalArgumentList("WORD", "the words after calicoctl") },
  options: {},
  examples: [],
  async run(context, { words }) {
    const { candidates } = await import("../completion/candidates.ts");
    const found = await candidates(words, context);
    context.output.text(found.map(({ word, help }) => (help === "" ? `${word}\n` : `${word}\t${help}\n`)).join(""));
  },
});
