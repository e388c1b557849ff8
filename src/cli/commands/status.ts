import type { AgentReport } from "../../agent/report.ts";
import { UserError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { flag } from "../options.ts";
import { statusDocument, statusLines } from "../views/status.ts";

const LOOK_MS = 200;

export const status = defineCommand({
  path: ["status"],
  summary: "Show whether this node is well: its agent, the store, the kernel",
  description: "Exits with 6 when something is not; then the last lines tell what.",
  arguments: {},
  options: { wait: flag("until it is well; --timeout says how long") },
  examples: [
    { command: "calicoctl status", does: "each part of the node, and the last trouble" },
    { command: "calicoctl status --wait --timeout 30", does: "in a script, before the first attach" },
  ],
  async run({ settings, output, signal }, _, { wait }) {
    const { stateDir } = await settings();
    const report = wait ? await askUntilWell(stateDir, signal) : await ask(stateDir);
    if (!report) throw new UserError("check-failed", "no node runs on this host", { hint: "calicoctl node" });
    await output.single(
      { kind: "NodeStatus", document: statusDocument(report) },
      [report.id ?? report.node],
      statusLines(report),
    );
    const ill = report.components.filter(({ healthy }) => !healthy).map(({ name }) => name);
    if (ill.length > 0)
      throw new UserError("check-failed", `node ${report.node} is not well: ${ill.join(", ")}`, {
        hint: "calicoctl events tells more",
      });
  },
});

async function askUntilWell(stateDir: string, signal: AbortSignal): Promise<AgentReport> {
  for (;;) {
    const report = await ask(stateDir);
    if (report?.healthy) return report;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function ask(stateDir: string): Promise<AgentReport | undefined> {
  // Not at the top: node's HTTP client costs every command a tenth of its start.
  const { agentCall } = await import("../../agent/control-client.ts");
  const answer = await agentCall(stateDir, "GET", "/status");
  return answer && (JSON.parse(answer.body) as AgentReport);
}
