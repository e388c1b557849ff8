import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { serviceView } from "../../views/service.ts";
import { each } from "../each.ts";

export const serviceInfo = defineCommand({
  path: ["service", "info"],
  aliases: ["inspect"],
  summary: "Show services",
  arguments: { services: argumentList("SERVICE[.NETWORK]", "a published service", { completes: "service" }) },
  options: {},
  examples: [
    { command: "calicoctl service info web.frontend", does: "its addresses and where it is attached" },
    { command: "calicoctl service info -o yaml web.frontend db.backend", does: "two, for a program" },
  ],
  async run(context, { services }) {
    const controller = await context.controller();
    const { done, settle } = await each(context, services, async (service) => controller.service(service));
    await context.output.details(serviceView, done);
    settle();
  },
});
