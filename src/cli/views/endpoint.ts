import type { EndpointDetail, ServiceView } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";
import { serviceLines, serviceView } from "./service.ts";

/** The same objects as services, by the model's own noun: where the endpoint is and by which interface. */
export const endpointView: View<ServiceView> = {
  kind: "Endpoint",
  columns: [
    { title: "ENDPOINT ID", id: true, cell: ({ id }) => id },
    { title: "SERVICE", cell: serviceView.name },
    { title: "ADDRESSES", cell: ({ addresses }) => addresses.join(",") },
    { title: "NODE", cell: ({ binding }) => binding?.node ?? "" },
    { title: "INTERFACE", cell: ({ binding }) => binding?.interface ?? "" },
    { title: "MAC", wide: true, cell: ({ mac }) => mac },
    { title: "HOST INTERFACE", wide: true, cell: ({ binding }) => binding?.hostInterface ?? "" },
    { title: "SANDBOX", wide: true, id: true, cell: ({ binding }) => binding?.sandboxId ?? "" },
    { title: "PRIORITY", wide: true, cell: ({ binding }) => (binding ? String(binding.priority) : "") },
  ],
  id: ({ id }) => id,
  name: serviceView.name,
  document: serviceView.document,
};

/** An endpoint with what the kernel of this node knows of it. */
export const endpointDetailView: View<EndpointDetail> = {
  ...endpointView,
  document: (endpoint) => ({
    ...serviceView.document(endpoint),
    gateway: endpoint.gateway ?? null,
    counters: endpoint.counters ?? null,
  }),
  details: (endpoint) => [
    ["Endpoint Id", endpoint.id],
    ...serviceLines(endpoint),
    ["Default route", endpoint.gateway],
    ...(endpoint.counters === undefined
      ? []
      : [
          {
            label: "Counters",
            titles: ["", "BYTES", "PACKETS", "DROPPED"],
            rows: [
              ["received", endpoint.counters.rxBytes, endpoint.counters.rxPackets, endpoint.counters.rxDropped],
              ["sent", endpoint.counters.txBytes, endpoint.counters.txPackets, endpoint.counters.txDropped],
            ].map((row) => row.map(String)),
          },
        ]),
  ],
};
