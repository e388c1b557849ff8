import { defineCommand } from "../../command.ts";
import { launcher } from "../../launcher.ts";
import { text } from "../../options.ts";
import type { Line } from "../../render/view.ts";
import { version } from "../../version.ts";
import { printNodeState } from "../../views/node-state.ts";
import { mustBeRoot, nodeOptions, readNodeOptions } from "./node-options.ts";

export const nodeStart = defineCommand({
  path: ["node", "start"],
  isDefault: true,
  summary: "Make this host a node, which keeps its endpoints right by itself",
  description:
    "Returns when the node is ready; it goes on in the background, and logs to node.log in the log directory. Without " +
    "a configured store it starts an etcd of its own, which listens on loopback alone, and which other commands on " +
    "this host find by themselves. A node that runs already is left as it is; one of another version is replaced, " +
    "while containers talk on.\n\n" +
    "With --detach=false it stays in the foreground, logs to stderr, and tells systemd when it is ready.",
  arguments: {},
  options: {
    ...nodeOptions,
    detach: text("true|false", "go on in the background (default: true)", { choices: ["true", "false"] }),
  },
  examples: [
    { command: "calicoctl node", does: "the same as calicoctl node start" },
    { command: "calicoctl node --libnetwork", does: "be Docker's network plugin too: docker network create -d calico" },
    { command: "calicoctl node start --etcd-endpoints http://10.0.0.1:2379", does: "with a store that nodes share" },
    { command: "calicoctl node start --detach=false --log-level debug", does: "watch it at work" },
  ],
  async run({ settings, output, signal }, _, { detach, ...given }) {
    mustBeRoot("a node");
    const options = readNodeOptions(await settings(), given);
    if (detach === "false") {
      const { runNode } = await import("../../../agent/process/foreground.ts");
      return runNode(options, version, stopSignal(signal));
    }
    const { startDetached } = await import("../../../agent/process/detached.ts");
    const progress = showProgress(`starting the node; its log is ${options.logDir}/node.log`);
    const tell = (line: string): void => void process.stderr.write(`${line}\n`);
    const started = await startDetached(options, { launcher: launcher(), version, signal, tell }).finally(progress);
    const sentence = `Calico node is running ${started.already ? "already " : ""}with id`;
    const isPlugin = started.libnetwork;
    const lines: Line[] = [
      [sentence, started.id],
      ...(isPlugin ? [["Calico libnetwork driver is running with id", started.id] as const] : []),
    ];
    await printNodeState(output, lines, { ...started, running: true });
  },
});

/**
 * Aborted by the first SIGINT or SIGTERM. For a node that is a wish and no interruption: it takes the time it needs,
 * and has succeeded when it has ended.
 */
function stopSignal(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.removeAllListeners(name);
    process.on(name, () => controller.abort());
  }
  return AbortSignal.any([controller.signal, signal]);
}

/** A line on a terminal that is taken away again by what is returned. */
function showProgress(text: string): () => void {
  if (!process.stderr.isTTY) return () => {};
  process.stderr.write(`${text} …`);
  return () => void process.stderr.write("\r\u001B[K");
}
