import { defineCommand } from "../../command.ts";
import { flag, text } from "../../options.ts";
import { serviceView } from "../../views/service.ts";

export const serviceList = defineCommand({
  path: ["service", "ls"],
  aliases: ["list"],
  summary: "List services",
  arguments: {},
  options: {
    network: text("NETWORK", "only services of this network", { completes: "network" }),
    noTrunc: flag("print ids in full"),
  },
  examples: [
    { command: "calicoctl service ls --network frontend", does: "the services of one network" },
    { command: "calicoctl service ls -o wide", does: "with addresses, node and interface" },
  ],
  async run({ controller, output }, _, { network, noTrunc }) {
    const services = await (await controller()).services(network === undefined ? {} : { network });
    await output.list(serviceView, services, { truncateIds: !noTrunc });
  },
});
