import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";
import { each, unlessGone } from "../each.ts";

export const ipamRelease = defineCommand({
  path: ["ipam", "release"],
  summary: "Free addresses that are claimed, though no service has them",
  description: "The address of a service is freed by unpublishing the service.",
  arguments: { addresses: argumentList("IP", "an IPv4 or IPv6 address") },
  options: { ignore: flag("succeed if an address is free already") },
  examples: [{ command: "calicoctl ipam release 192.168.0.5", does: "what calicoctl ipam check has found" }],
  async run(context, { addresses }, { ignore }) {
    const controller = await context.controller();
    const { settle } = await each(context, addresses, async (address) =>
      unlessGone(ignore, async () => controller.releaseAddress(address)),
    );
    settle();
  },
});
