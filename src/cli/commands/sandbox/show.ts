import { argumentList } from "../../arguments.ts";
import { defineCommand } from "../../command.ts";
import { sandboxView } from "../../views/sandbox.ts";
import { each } from "../each.ts";

export const sandboxShow = defineCommand({
  path: ["sandbox", "show"],
  aliases: ["info", "inspect"],
  summary: "Show sandboxes with their endpoints",
  arguments: {
    sandboxes: argumentList("SANDBOX", "id of a sandbox, or id or name of its container", { completes: "sandbox" }),
  },
  options: {},
  examples: [{ command: "calicoctl sandbox show web-1", does: "by the name of its container" }],
  async run(context, { sandboxes }) {
    const controller = await context.controller();
    const { done, settle } = await each(context, sandboxes, async (sandbox) => controller.sandbox(sandbox));
    await context.output.details(sandboxView, done);
    settle();
  },
});
