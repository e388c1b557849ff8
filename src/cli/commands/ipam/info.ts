import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { addressView } from "../../views/ipam.ts";
import { each } from "../each.ts";

export const ipamInfo = defineCommand({
  path: ["ipam", "info"],
  summary: "Tell whose an address is",
  arguments: { addresses: argumentList("IP", "an IPv4 or IPv6 address") },
  options: {},
  examples: [{ command: "calicoctl ipam info 192.168.0.5", does: "the service that has it, its pool and block" }],
  async run(context, { addresses }) {
    const controller = await context.controller();
    const { done, settle } = await each(context, addresses, async (address) => controller.ipamInfo(address));
    await context.output.details(addressView, done);
    settle();
  },
});
