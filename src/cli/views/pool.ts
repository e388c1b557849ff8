import type { Pool, PoolView } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";
import { when } from "./common.ts";

export const poolDocument = (pool: Pool): object => ({
  cidr: pool.cidr,
  family: pool.family,
  ipRange: pool.ipRange ?? null,
  gateway: pool.gateway ?? null,
  reserved: pool.reserved ?? [],
  natOutgoing: pool.natOutgoing,
  disabled: pool.disabled,
  networkId: pool.networkId ?? null,
  createdAt: pool.createdAt,
});

/** A pool as it was added. */
export const addedPoolView: View<Pool> = {
  kind: "Pool",
  columns: [
    { title: "CIDR", cell: ({ cidr }) => cidr },
    { title: "NAT", cell: ({ natOutgoing }) => (natOutgoing ? "yes" : "no") },
    { title: "STATE", cell: ({ disabled }) => (disabled ? "disabled" : "enabled") },
  ],
  id: ({ cidr }) => cidr,
  name: ({ cidr }) => cidr,
  document: poolDocument,
};

/** A pool with its use. */
export const poolView: View<PoolView> = {
  ...addedPoolView,
  columns: [
    { title: "CIDR", cell: ({ cidr }) => cidr },
    { title: "NETWORK", cell: ({ networkName }) => networkName ?? "(shared)" },
    { title: "USED", cell: ({ used }) => String(used) },
    { title: "SIZE", cell: ({ size }) => size },
    { title: "NAT", cell: ({ natOutgoing }) => (natOutgoing ? "yes" : "no") },
    { title: "STATE", cell: ({ disabled }) => (disabled ? "disabled" : "enabled") },
    { title: "BLOCKS", wide: true, cell: ({ blocks }) => String(blocks) },
    { title: "RANGE", wide: true, cell: ({ ipRange }) => ipRange ?? "" },
    { title: "GATEWAY", wide: true, cell: ({ gateway }) => gateway ?? "" },
    { title: "CREATED", wide: true, cell: ({ createdAt }) => when(createdAt) },
  ],
  document: (pool) => ({
    ...poolDocument(pool),
    network: pool.networkName ?? null,
    used: pool.used,
    size: pool.size,
    blocks: pool.blocks,
  }),
};
