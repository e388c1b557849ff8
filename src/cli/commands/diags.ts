import { resolve } from "node:path";
import { defaultDataDir, defaultLogDir } from "../../agent/process/options.ts";
import { optionalArgument } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { launcher } from "../launcher.ts";
import { text } from "../options.ts";
import { absolute } from "../settings.ts";
import { version } from "../version.ts";

export const diags = defineCommand({
  path: ["diags"],
  summary: "Gather what is known of this node into a file, for a bug report",
  description:
    "Writes a tar.gz that only you can read: versions, checksystem, settings, status and events of the node, all that " +
    "calicoctl keeps in the store, its own firewall tables, interfaces, routes and settings of the kernel, and the end " +
    "of each log. Passwords, tokens, keys and the users' part of URLs are taken out, by name; the environment is left " +
    "out. Names and addresses stay, so look before you hand it on. What could not be gathered is told, and listed in " +
    "the file.",
  arguments: {
    file: optionalArgument("FILE", "the file (default: calico-diags-NODE-TIME.tar.gz here)", { completes: "file" }),
  },
  options: { logDir: text("DIR", `where the node's logs are (default: ${defaultLogDir})`, { completes: "directory" }) },
  examples: [{ command: "calicoctl diags", does: "prints the name of the file" }],
  async run({ settings, output, report }, { file }, { logDir }) {
    const { node, stateDir, store, dockerHost } = await settings();
    const { gather, writeBundle } = await import("../../agent/diags/bundle.ts");
    const { sourcesOf } = await import("../../agent/diags/sources.ts");
    const { failure } = await import("../../base/errors.ts");
    const now = new Date();
    const subject = {
      version,
      node,
      stateDir,
      store,
      dockerHost,
      logDir: logDir === undefined ? defaultLogDir : absolute({ value: logDir, from: "--log-dir" }),
      etcdDataDir: defaultDataDir,
      program: launcher(),
    };
    const { entries, gaps } = await gather(sourcesOf(subject), now);
    const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const path = resolve(file ?? `calico-diags-${node}-${time}.tar.gz`);
    writeBundle(path, entries);
    for (const { name, why } of gaps) report(failure(`not gathered: ${name}: ${why}`));
    await output.single({ kind: "Diagnostics", document: { file: path, notGathered: gaps } }, [path], [["File", path]]);
  },
});
