import { optionalArgument } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { nodeView } from "../../views/node.ts";

export const nodeShow = defineCommand({
  path: ["node", "show"],
  aliases: ["info"],
  summary: "Show a node",
  arguments: { node: optionalArgument("NODE", "name of a node (default: this one)") },
  options: {},
  examples: [{ command: "calicoctl node show", does: "this node" }],
  async run({ controller, settings, output }, { node }) {
    const name = node ?? (await settings()).node;
    await output.details(nodeView, [await (await controller()).node(name)]);
  },
});
