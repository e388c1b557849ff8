import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { endpointDetailView } from "../../views/endpoint.ts";
import { each } from "../each.ts";

export const endpointShow = defineCommand({
  path: ["endpoint", "show"],
  aliases: ["info", "inspect"],
  summary: "Show endpoints with their counters",
  description: "Counters and the default route are known for endpoints that are attached on this node.",
  arguments: {
    endpoints: argumentList("ENDPOINT", "id of an endpoint, or SERVICE[.NETWORK]", { completes: "endpoint" }),
  },
  options: {},
  examples: [{ command: "calicoctl endpoint show web.frontend", does: "by the name of its service" }],
  async run(context, { endpoints }) {
    const controller = await context.controller();
    const { done, settle } = await each(context, endpoints, async (endpoint) => controller.endpoint(endpoint));
    await context.output.details(endpointDetailView, done);
    settle();
  },
});
