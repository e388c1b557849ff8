import { defineCommand } from "../../command.ts";
import { blockDocument } from "../../views/ipam.ts";
import { poolView } from "../../views/pool.ts";

export const ipamShow = defineCommand({
  path: ["ipam", "show"],
  summary: "Show how the addresses are used, by pool and by block",
  arguments: {},
  options: {},
  examples: [{ command: "calicoctl ipam show", does: "pools, and the blocks that nodes have claimed" }],
  async run({ controller, output }) {
    const { pools, blocks } = await (await controller()).ipamShow();
    await output.single(
      { kind: "IpamReport", document: { pools: pools.map(poolView.document), blocks: blocks.map(blockDocument) } },
      pools.map(poolView.name),
      [
        {
          label: "Pools",
          titles: ["CIDR", "NETWORK", "USED", "SIZE", "BLOCKS"],
          rows: pools.map(({ cidr, networkName, used, size, blocks: count }) =>
            [cidr, networkName ?? "(shared)", used, size, count].map(String),
          ),
        },
        {
          label: "Blocks",
          titles: ["CIDR", "NODE", "USED", "SIZE"],
          rows: blocks.map(({ cidr, node, used, size }) => [cidr, node, used, size].map(String)),
        },
      ],
    );
  },
});
