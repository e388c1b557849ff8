import { defineCommand } from "../../command.ts";
import { poolView } from "../../views/pool.ts";

export const poolList = defineCommand({
  path: ["pool", "ls"],
  aliases: ["list", "show"],
  summary: "List address pools and how full they are",
  arguments: {},
  options: {},
  examples: [{ command: "calicoctl pool ls", does: "shared pools and those of networks" }],
  async run({ controller, output }) {
    await output.list(poolView, await (await controller()).pools());
  },
});
