import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";
import { each, unlessGone } from "../each.ts";

export const serviceUnpublish = defineCommand({
  path: ["service", "unpublish"],
  summary: "Unpublish services and free their addresses",
  arguments: { services: argumentList("SERVICE[.NETWORK]", "a published service", { completes: "service" }) },
  options: {
    force: flag("even if the service is attached (detach it first), or its plugin cannot be asked", { short: "f" }),
    ignore: flag("succeed if a service is gone already"),
  },
  examples: [{ command: "calicoctl service unpublish -f web.frontend", does: "detach it if need be, and unpublish" }],
  async run(context, { services }, { force, ignore }) {
    const controller = await context.controller();
    const { settle } = await each(context, services, async (service) =>
      unlessGone(ignore, async () => controller.unpublish(service, { force })),
    );
    settle();
  },
});
