import type { AddressReport, BlockView } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";
import { poolDocument } from "./pool.ts";
import { serviceDocument, serviceView } from "./service.ts";

const states: Readonly<Record<AddressReport["state"], string>> = {
  "in-use": "in use",
  free: "free",
  reserved: "reserved",
  "not-in-a-pool": "not in a pool",
};

export const blockDocument = (block: BlockView): object => ({
  cidr: block.cidr,
  node: block.node,
  used: block.used,
  size: block.size,
});

/** One address and whose it is. */
export const addressView: View<AddressReport> = {
  kind: "Address",
  columns: [
    { title: "ADDRESS", cell: ({ address }) => address },
    { title: "STATE", cell: ({ state }) => states[state] },
    { title: "SERVICE", cell: ({ service }) => (service ? serviceView.name(service) : "") },
    { title: "POOL", cell: ({ pool }) => pool?.cidr ?? "" },
    { title: "BLOCK", cell: ({ block }) => block?.cidr ?? "" },
    { title: "NODE", cell: ({ block }) => block?.node ?? "" },
  ],
  id: ({ address }) => address,
  name: ({ address }) => address,
  document: (report) => ({
    address: report.address,
    state: report.state,
    reason: report.reason ?? null,
    pool: report.pool ? poolDocument(report.pool) : null,
    block: report.block ?? null,
    service: report.service ? serviceDocument(report.service) : null,
  }),
  details: ({ address, state, reason, service, pool, block }) => [
    ["Address", address],
    ["State", reason === undefined ? states[state] : `${states[state]} (${reason})`],
    ["Service", service && serviceView.name(service)],
    ["Service Id", service?.id],
    ["Pool", pool?.cidr],
    ["Block", block && `${block.cidr} of node ${block.node}`],
  ],
};
