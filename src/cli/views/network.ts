import { shortId } from "../../base/id.ts";
import { containerLabel } from "../../cnm/container-label.ts";
import type { Network, NetworkDetail, NetworkView } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";
import { pairsText, when } from "./common.ts";
import { poolDocument } from "./pool.ts";
import { serviceDocument } from "./service.ts";

const networkDocument = (network: Network): object => ({
  id: network.id,
  name: network.name,
  driver: network.driver,
  internal: network.internal,
  ipv6: network.ipv6,
  labels: network.labels,
  options: network.options,
  pools: network.pools,
  ...(network.ipam ? { ipam: network.ipam } : {}),
  createdAt: network.createdAt,
});

/** A network as it was made. */
export const madeNetworkView: View<Network> = {
  kind: "Network",
  columns: [
    { title: "NETWORK ID", id: true, cell: ({ id }) => id },
    { title: "NAME", cell: ({ name }) => name },
    { title: "TYPE", cell: ({ driver }) => driver },
  ],
  id: ({ id }) => id,
  name: ({ name }) => name,
  document: networkDocument,
};

/** A network in a list. */
export const networkView: View<NetworkView> = {
  ...madeNetworkView,
  columns: [
    ...madeNetworkView.columns,
    { title: "SERVICES", wide: true, cell: ({ endpointCount }) => String(endpointCount) },
    { title: "SUBNETS", wide: true, cell: ({ pools }) => pools.join(",") || "(shared pools)" },
    { title: "INTERNAL", wide: true, cell: ({ internal }) => (internal ? "yes" : "no") },
    { title: "IPV6", wide: true, cell: ({ ipv6 }) => (ipv6 ? "yes" : "no") },
    { title: "LABELS", wide: true, cell: ({ labels }) => pairsText(labels) },
    { title: "CREATED", wide: true, cell: ({ createdAt }) => when(createdAt) },
  ],
  document: (network) => ({ ...networkDocument(network), endpointCount: network.endpointCount }),
};

/** A network with all that belongs to it. */
export const networkDetailView: View<NetworkDetail> = {
  ...networkView,
  document: (network) => ({
    ...networkView.document(network),
    services: network.services.map(serviceDocument),
    poolDetails: network.poolDetails.map(poolDocument),
  }),
  details: (network) => [
    ["Network Id", network.id],
    ["Name", network.name],
    ["Type", network.driver],
    ...(network.ipam ? [["IPAM", network.ipam.driver] as const] : []),
    ["Internal", network.internal],
    ["IPv6", network.ipv6],
    ["Labels", pairsText(network.labels)],
    ["Options", pairsText(network.options)],
    ["Created", when(network.createdAt)],
    {
      label: "Pools",
      titles: ["CIDR", "RANGE", "GATEWAY", "NAT"],
      rows: network.poolDetails.map(({ cidr, ipRange, gateway, natOutgoing }) => [
        cidr,
        ipRange ?? "",
        gateway ?? "",
        natOutgoing ? "yes" : "no",
      ]),
    },
    {
      label: "Services",
      titles: ["SERVICE ID", "NAME", "ADDRESSES", "CONTAINER"],
      rows: network.services.map(({ id, name, addresses, sandbox }) => [
        shortId(id),
        name,
        addresses.join(","),
        sandbox ? containerLabel(sandbox) : "",
      ]),
    },
  ],
};
