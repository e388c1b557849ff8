import { defaultDataDir } from "../../agent/process/options.ts";
import { UserError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { systemRowView } from "../views/system-row.ts";
import { launcher } from "../launcher.ts";

export const checkSystemCommand = defineCommand({
  path: ["checksystem"],
  summary: "Check that this host has what a node needs",
  description:
    "Looks at privileges, the kernel, programs and settings, and says of each what to do. Features of the kernel are " +
    "tried in a network namespace of its own; nothing on the host is changed. Exits 6 when something is missing that " +
    "nothing works without; a warning costs only a part.",
  arguments: {},
  options: {},
  examples: [{ command: "calicoctl checksystem", does: "before the first start of a node" }],
  async run({ settings, output }) {
    const { stateDir, dockerHost } = await settings();
    const { checkSystem } = await import("../../agent/system-check/system-check.ts");
    const rows = await checkSystem({ stateDir, etcdDataDir: defaultDataDir, dockerHost, program: launcher() });
    await output.list(systemRowView, rows);
    const missing = rows.filter(({ state }) => state === "missing").map(({ name }) => name);
    if (missing.length > 0)
      throw new UserError("check-failed", `missing: ${missing.join(", ")}`, {
        hint: "follow the remedies, then check again",
      });
  },
});
