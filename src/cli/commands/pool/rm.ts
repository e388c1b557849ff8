import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";
import { each, unlessGone } from "../each.ts";

export const poolRemove = defineCommand({
  path: ["pool", "rm"],
  aliases: ["remove"],
  summary: "Remove address pools that nothing uses",
  arguments: { cidrs: argumentList("CIDR", "a pool", { completes: "pool" }) },
  options: { ignore: flag("succeed if a pool is gone already") },
  examples: [{ command: "calicoctl pool rm 10.40.0.0/16", does: "remove a pool" }],
  async run(context, { cidrs }, { ignore }) {
    const controller = await context.controller();
    const { settle } = await each(context, cidrs, async (cidr) =>
      unlessGone(ignore, async () => controller.removePool(cidr)),
    );
    settle();
  },
});
