import type { NodeView } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";
import { when } from "./common.ts";

const state = ({ alive }: NodeView): string => (alive ? "running" : "stopped");

/** A host on which an agent runs or ran. */
export const nodeView: View<NodeView> = {
  kind: "Node",
  columns: [
    { title: "NODE", cell: ({ name }) => name },
    { title: "STATE", cell: state },
    { title: "ADDRESS", cell: ({ ip, ip6 }) => [ip, ip6].filter(Boolean).join(",") },
    { title: "ENDPOINTS", cell: ({ endpointCount }) => String(endpointCount) },
    { title: "VERSION", cell: ({ version }) => version },
    { title: "NODE ID", wide: true, id: true, cell: ({ id }) => id },
    { title: "BLOCKS", wide: true, cell: ({ blocks }) => blocks.join(",") },
    { title: "STARTED", wide: true, cell: ({ startedAt }) => when(startedAt) },
  ],
  id: ({ id }) => id,
  name: ({ name }) => name,
  document: (node) => ({
    id: node.id,
    name: node.name,
    alive: node.alive,
    ip: node.ip ?? null,
    ip6: node.ip6 ?? null,
    version: node.version,
    bootId: node.bootId,
    endpointCount: node.endpointCount,
    blocks: node.blocks,
    createdAt: node.createdAt,
    startedAt: node.startedAt,
  }),
  details: (node) => [
    ["Node", node.name],
    ["Node Id", node.id],
    ["State", state(node)],
    ["IPv4 Address", node.ip],
    ["IPv6 Address", node.ip6],
    ["Endpoints", node.endpointCount],
    ["Blocks", node.blocks.join(", ")],
    ["Version", node.version],
    ["Created", when(node.createdAt)],
    ["Started", when(node.startedAt)],
  ],
};
