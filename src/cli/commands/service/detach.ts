import { UserError } from "../../../base/errors.ts";
import type { Controller } from "../../../cnm/controller.ts";
import { argument, optionalArgument } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";

export const serviceDetach = defineCommand({
  path: ["service", "detach"],
  summary: "Detach a container from a service",
  description: "The service keeps its addresses. The container may be left out; if given, it must be the one attached.",
  arguments: {
    container: optionalArgument("CONTAINER", "the container that is attached", { completes: "container" }),
    service: argument("SERVICE[.NETWORK]", "an attached service", { completes: "service" }),
  },
  options: { ignore: flag("succeed if the service is detached or gone already") },
  examples: [
    { command: "calicoctl service detach web-1 web.frontend", does: "detach that container" },
    { command: "calicoctl service detach web.frontend", does: "detach whichever container it is" },
  ],
  async run(context, { container, service }, { ignore }) {
    const controller = await context.controller();
    try {
      await controller.detach(container, service);
    } catch (error) {
      if (!ignore || !(await isDetached(controller, service, error))) throw error;
    }
  },
});

async function isDetached(controller: Controller, service: string, cause: unknown): Promise<boolean> {
  if (!(cause instanceof UserError) || !["not-found", "conflict"].includes(cause.code)) return false;
  try {
    return (await controller.service(service)).binding === undefined;
  } catch (error) {
    return error instanceof UserError && error.code === "not-found";
  }
}
