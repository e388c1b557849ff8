import { UserError } from "../../../base/errors.ts";
import { defineCommand } from "../../command.ts";
import { ipamProblemView } from "../../views/ipam-problem.ts";

export const ipamCheck = defineCommand({
  path: ["ipam", "check"],
  summary: "Look for addresses that are given twice or left over, and for blocks and claims without owner or pool",
  description: "Looks at the whole store, and changes nothing. Exits 6 while something is wrong; a note is no harm.",
  arguments: {},
  options: {},
  examples: [{ command: "calicoctl ipam check", does: "each problem with its remedy" }],
  async run({ controller, output }) {
    const problems = await (await controller()).checkIpam();
    if (problems.length > 0 || output.forMachines) await output.list(ipamProblemView, problems);
    const count = problems.filter(({ state }) => state === "wrong").length;
    if (count === 0) return;
    throw new UserError("check-failed", `${count} ${count === 1 ? "thing is" : "things are"} wrong with addresses`, {
      hint: "follow the remedies, then check again",
    });
  },
});
