import { containerLabel } from "../../cnm/container-label.ts";
import type { ServiceView } from "../../cnm/model.ts";
import { portText } from "../../cnm/ports.ts";
import type { Line, View } from "../render/view.ts";
import { pairsText, when } from "./common.ts";

const serviceName = ({ name, networkName }: ServiceView): string => `${name}.${networkName}`;

export const serviceDocument = (service: ServiceView): object => ({
  id: service.id,
  name: service.name,
  networkId: service.networkId,
  network: service.networkName,
  addresses: service.addresses,
  mac: service.mac,
  aliases: service.aliases,
  labels: service.labels,
  ports: service.ports ?? [],
  createdAt: service.createdAt,
  attachment:
    service.binding === undefined
      ? null
      : {
          node: service.binding.node,
          sandboxId: service.binding.sandboxId,
          runtime: service.sandbox?.runtime ?? null,
          containerId: service.sandbox?.containerId ?? null,
          containerName: service.sandbox?.containerName ?? null,
          interface: service.binding.interface,
          hostInterface: service.binding.hostInterface,
          priority: service.binding.priority,
          attachedAt: service.binding.attachedAt,
        },
});

/** The lines that a service and its endpoint have in common. */
export const serviceLines = (service: ServiceView): readonly Line[] => [
  ["Name", service.name],
  ["Network", service.networkName],
  ["Addresses", service.addresses.join(", ")],
  ["MAC", service.mac],
  ["Aliases", service.aliases.join(", ")],
  ["Labels", pairsText(service.labels)],
  ["Ports", service.ports?.map(portText).join(", ")],
  ["Created", when(service.createdAt)],
  ["Node", service.binding?.node],
  ["Container", service.sandbox && containerLabel(service.sandbox)],
  ["Sandbox Id", service.binding?.sandboxId],
  ["Interface", service.binding?.interface],
  ["Host interface", service.binding?.hostInterface],
  ["Priority", service.binding?.priority],
  ["Attached", service.binding && when(service.binding.attachedAt)],
];

/** A published endpoint, by the service's name. */
export const serviceView: View<ServiceView> = {
  kind: "Service",
  columns: [
    { title: "SERVICE ID", id: true, cell: ({ id }) => id },
    { title: "NAME", cell: ({ name }) => name },
    { title: "NETWORK", cell: ({ networkName }) => networkName },
    { title: "CONTAINER", id: true, cell: ({ sandbox }) => (sandbox ? containerLabel(sandbox) : "") },
    { title: "SANDBOX", id: true, cell: ({ binding }) => binding?.sandboxId ?? "" },
    { title: "ADDRESSES", wide: true, cell: ({ addresses }) => addresses.join(",") },
    { title: "MAC", wide: true, cell: ({ mac }) => mac },
    { title: "NODE", wide: true, cell: ({ binding }) => binding?.node ?? "" },
    { title: "INTERFACE", wide: true, cell: ({ binding }) => binding?.interface ?? "" },
    { title: "PORTS", wide: true, cell: ({ ports = [] }) => ports.map(portText).join(",") },
    { title: "ALIASES", wide: true, cell: ({ aliases }) => aliases.join(",") },
    { title: "CREATED", wide: true, cell: ({ createdAt }) => when(createdAt) },
  ],
  id: ({ id }) => id,
  name: serviceName,
  document: serviceDocument,
  details: (service) => [["Service Id", service.id], ...serviceLines(service)],
};
