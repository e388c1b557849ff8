import { defineCommand } from "../../command.ts";
import { flag, integer, list } from "../../options.ts";
import { networkView } from "../../views/network.ts";
import { networkFilter } from "./filter.ts";

export const networkList = defineCommand({
  path: ["network", "ls"],
  aliases: ["list"],
  summary: "List networks",
  arguments: {},
  options: {
    noTrunc: flag("print ids in full"),
    latest: flag("only the network that was created last", { short: "l" }),
    last: integer("N", "only the N networks that were created last, newest first", {
      short: "n",
      least: 0,
      most: 1_000_000,
    }),
    filter: list("KEY=VALUE", "only networks with this driver, id, label or name (part of it)", { short: "f" }),
  },
  examples: [
    { command: "calicoctl network ls", does: "all networks by name" },
    { command: "calicoctl network ls -q --no-trunc --filter label=tier=db", does: "full ids of some, for a script" },
    { command: "calicoctl network ls -o json", does: "the same for a program" },
  ],
  async run({ controller, output }, _, { noTrunc, latest, last, filter }) {
    const passes = networkFilter(filter);
    const networks = (await (await controller()).networks()).filter(passes);
    const count = latest ? 1 : last;
    const shown =
      count === undefined
        ? networks.toSorted((a, b) => (a.name < b.name ? -1 : 1))
        : networks.toSorted((a, b) => (a.createdAt > b.createdAt ? -1 : 1)).slice(0, count);
    await output.list(networkView, shown, { truncateIds: !noTrunc });
  },
});
