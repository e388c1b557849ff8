import { UserError } from "../../base/errors.ts";
import { defineCommand } from "../command.ts";
import { version } from "../version.ts";

export const versionCommand = defineCommand({
  path: ["version"],
  summary: "Show the versions of calicoctl and etcd, and where they are",
  description: "Succeeds without a store. calicoctl --version prints the version of calicoctl alone.",
  arguments: {},
  options: {},
  examples: [{ command: "calicoctl version -o json", does: "for a bug report" }],
  async run({ settings, output, signal }) {
    const { node, store } = await settings();
    const { etcdVersion } = await import("../etcd-version.ts");
    let etcd: string | undefined;
    let unreachable: string | undefined;
    try {
      etcd = await etcdVersion(store, signal);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      unreachable = error.message;
    }
    await output.single(
      {
        kind: "Version",
        document: { version, node, etcdEndpoints: store.endpoints, etcdVersion: etcd ?? null },
      },
      [version],
      [
        ["Version", version],
        ["Node", node],
        ["Node.js", process.version],
        ["Store", store.endpoints.join(", ")],
        ["etcd", etcd ?? `not reachable (${unreachable})`],
      ],
    );
  },
});
