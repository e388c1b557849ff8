import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag, text } from "../../options.ts";
import { addedPoolView } from "../../views/pool.ts";

export const poolAdd = defineCommand({
  path: ["pool", "add"],
  summary: "Add address pools that every network without a subnet shares",
  arguments: { cidrs: argumentList("CIDR", "an IPv4 or IPv6 prefix") },
  options: {
    ipRange: text("CIDR", "part of the pool to take addresses from"),
    natOutgoing: flag("masquerade what leaves the pools for elsewhere"),
    disabled: flag("give out no addresses from it for now"),
    force: flag("even if it overlaps the host's own networks"),
    ignore: flag("succeed if a pool is there already"),
  },
  examples: [
    { command: "calicoctl pool add --nat-outgoing 10.40.0.0/16", does: "a pool whose members reach the world" },
  ],
  async run({ controller, output }, { cidrs }, { ipRange, ...flags }) {
    const pools = await (
      await controller()
    ).addPools([...cidrs], { ...flags, ...(ipRange === undefined ? {} : { ipRange }) });
    await output.changed(addedPoolView, pools);
  },
});
