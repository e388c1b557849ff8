import { defineCommand } from "../command.ts";
import { flag, integer } from "../options.ts";
import { eventStream } from "../views/event.ts";

export const events = defineCommand({
  path: ["events"],
  summary: "Show what happened on this node, and what was repaired and why",
  description:
    "Oldest first. With --output json, each event is one JSON object on a line of its own. Read from the node's " +
    "journal, so it also tells what happened before the agent stopped.",
  arguments: {},
  options: {
    follow: flag("go on with what happens from now on, until interrupted", { short: "f" }),
    last: integer("N", "only the last N", { least: 0, most: 1_000_000, short: "n" }),
  },
  examples: [
    { command: "calicoctl events --follow", does: "watch a node repair itself" },
    { command: "calicoctl events --output json | jq 'select(.kind == \"not-repaired\")'", does: "what needs a person" },
  ],
  async run({ settings, output, signal }, _, { follow, last }) {
    const { followEvents, readEvents } = await import("../../agent/events.ts");
    const { stateDir } = await settings();
    const known = readEvents(stateDir);
    output.stream(eventStream, last === undefined ? known : known.slice(known.length - Math.min(last, known.length)));
    if (follow) await followEvents(stateDir, known, (fresh) => output.stream(eventStream, fresh), signal);
  },
});
