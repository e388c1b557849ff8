import { defineCommand } from "../../command.ts";
import { nodeView } from "../../views/node.ts";

export const nodeList = defineCommand({
  path: ["node", "ls"],
  aliases: ["list"],
  summary: "List nodes: hosts on which an agent runs or ran",
  arguments: {},
  options: {},
  examples: [{ command: "calicoctl node ls", does: "every node, whether it runs, and how many endpoints it has" }],
  async run({ controller, output }) {
    await output.list(nodeView, await (await controller()).nodes());
  },
});
