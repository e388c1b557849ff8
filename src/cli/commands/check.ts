import { UserError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../options.ts";
import { problemView } from "../views/problem.ts";

export const check = defineCommand({
  path: ["check"],
  summary: "Compare the store with this host's kernel",
  description: "Names each difference. Exits 6 while something is wrong.",
  arguments: {},
  options: { repair: flag("mend what is wrong") },
  examples: [
    { command: "calicoctl check", does: "look, change nothing" },
    { command: "calicoctl check --repair", does: "make the kernel agree with the store" },
  ],
  async run({ controller, output }, _, { repair }) {
    const { problems } = await (await controller()).check({ repair });
    if (problems.length > 0 || output.forMachines) await output.list(problemView, problems);
    const wrong = problems.filter(({ repaired }) => !repaired);
    if (wrong.length === 0) return;
    const repairable = wrong.some(({ remedy }) => remedy === undefined);
    throw new UserError(
      "check-failed",
      `${wrong.length} ${wrong.length === 1 ? "problem remains" : "problems remain"}`,
      { hint: repairable ? "calicoctl check --repair" : "follow the remedies, then check again" },
    );
  },
});
