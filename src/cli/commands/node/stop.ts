import { conflict } from "../../../base/errors.ts";
import type { Context } from "../../context.ts";
import { defineCommand } from "../../command.ts";
import { flag } from "../../options.ts";
import { printNodeState } from "../../views/node-state.ts";
import { mustBeRoot } from "./node-options.ts";

export const nodeStop = defineCommand({
  path: ["node", "stop"],
  summary: "Stop this host's node, and its own etcd if it has one",
  description: "Data stays, and so does all that the node made in the kernel. That no node runs is no failure.",
  arguments: {},
  options: { force: flag("even while services are attached here: they stay connected, and nobody mends them") },
  examples: [{ command: "calicoctl node stop", does: "when nothing is attached any more" }],
  async run(context, _, { force }) {
    mustBeRoot("stopping a node");
    const { stateDir, node } = await context.settings();
    const { askNode, isAnythingRunning, stopNode } = await import("../../../agent/process/running.ts");
    const isRunning = await isAnythingRunning(stateDir);
    // It may go by another name than this command would give it.
    const name = (isRunning && (await askNode(stateDir))?.node) || node;
    if (isRunning && !force) await refuseWhileAttached(context, name);
    const hasStopped = isRunning && (await stopNode(stateDir, context.signal));
    const became = hasStopped ? "stopped" : "not running";
    await printNodeState(context.output, [["Calico node", became]], { node: name, running: false });
  },
});

async function refuseWhileAttached({ controller }: Context, node: string): Promise<void> {
  const services = await (await controller()).services();
  const count = services.filter(({ binding }) => binding?.node === node).length;
  if (count === 0) return;
  throw conflict(
    `${count} ${count === 1 ? "service is" : "services are"} attached on node ${node}`,
    "see them: calicoctl endpoint ls; detach them, or insist with --force: they stay connected",
  );
}
