import { forgetNodeName } from "../../../agent/process/name-file.ts";
import { defineCommand } from "../../command.ts";
import { flag, text } from "../../options.ts";
import { nodeName } from "../../settings.ts";
import { unlessGone } from "../each.ts";
import { onNodeStore } from "./own-store.ts";

export const nodeRemove = defineCommand({
  path: ["node", "remove"],
  aliases: ["rm"],
  summary: "Forget a node that was stopped, or whose host is no more",
  description:
    "On the node itself, the host is left as it was found. From elsewhere, only the store is cleaned: for a host that " +
    "no longer exists.",
  arguments: {},
  options: {
    name: text("NAME", "name of the node (default: this one)"),
    removeEndpoints: flag("unpublish the services that are attached there, too"),
    etcdDataDir: text("DIR", "data of the node's own etcd, as it was started with", { completes: "directory" }),
    ignore: flag("succeed if it is gone already"),
  },
  examples: [
    { command: "calicoctl node remove", does: "this node, after calicoctl node stop" },
    { command: "calicoctl node remove --name host-7 --remove-endpoints", does: "a host that burnt down" },
  ],
  async run(context, _, { name, removeEndpoints, etcdDataDir, ignore }) {
    const { node: own, stateDir } = await context.settings();
    const node = name === undefined ? own : nodeName({ value: name, from: "--name" });
    await unlessGone(ignore, () =>
      onNodeStore(context, etcdDataDir, (model) => model.removeNode(node, { removeEndpoints })),
    );
    forgetNodeName(stateDir, node);
  },
});
