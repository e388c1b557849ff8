import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";
import { sandboxView } from "../../views/sandbox.ts";

export const sandboxList = defineCommand({
  path: ["sandbox", "ls"],
  aliases: ["list"],
  summary: "List sandboxes: containers that are attached to something",
  arguments: {},
  options: { noTrunc: flag("print ids in full") },
  examples: [{ command: "calicoctl sandbox ls", does: "every sandbox of the cluster" }],
  async run({ controller, output }, _, { noTrunc }) {
    await output.list(sandboxView, await (await controller()).sandboxes(), { truncateIds: !noTrunc });
  },
});
