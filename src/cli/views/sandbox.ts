import { containerLabel } from "../../cnm/container-label.ts";
import type { SandboxView } from "../../cnm/model.ts";
import type { View } from "../render/view.ts";
import { when } from "./common.ts";
import { serviceDocument, serviceView } from "./service.ts";

/** Unknown for a sandbox of another node. */
const state = ({ alive }: SandboxView): string => (alive === undefined ? "" : alive ? "alive" : "gone");

/** A container's network namespace and what is attached to it. */
export const sandboxView: View<SandboxView> = {
  kind: "Sandbox",
  columns: [
    { title: "SANDBOX ID", id: true, cell: ({ id }) => id },
    { title: "CONTAINER", id: true, cell: containerLabel },
    { title: "RUNTIME", cell: ({ runtime }) => runtime },
    { title: "NODE", cell: ({ node }) => node },
    { title: "SERVICES", cell: ({ services }) => services.map(serviceView.name).join(",") },
    { title: "STATE", wide: true, cell: state },
    { title: "PID", wide: true, cell: ({ pid }) => String(pid ?? "") },
    { title: "NAMESPACE", wide: true, cell: ({ namespace }) => namespace.path },
    { title: "CREATED", wide: true, cell: ({ createdAt }) => when(createdAt) },
  ],
  id: ({ id }) => id,
  name: ({ id }) => id,
  document: (sandbox) => ({
    id: sandbox.id,
    node: sandbox.node,
    runtime: sandbox.runtime,
    containerId: sandbox.containerId,
    containerName: sandbox.containerName ?? null,
    namespace: sandbox.namespace,
    pid: sandbox.pid ?? null,
    alive: sandbox.alive ?? null,
    createdAt: sandbox.createdAt,
    services: sandbox.services.map(serviceDocument),
  }),
  details: (sandbox) => [
    ["Sandbox Id", sandbox.id],
    ["Container", sandbox.containerName],
    ["Container Id", sandbox.containerId],
    ["Runtime", sandbox.runtime],
    ["Node", sandbox.node],
    ["State", state(sandbox)],
    ["Namespace", `${sandbox.namespace.path} (inode ${sandbox.namespace.inode})`],
    ["Process", sandbox.pid],
    ["Created", when(sandbox.createdAt)],
    {
      label: "Endpoints",
      titles: ["SERVICE", "INTERFACE", "ADDRESSES", "MAC", "PRIORITY"],
      rows: sandbox.services.map((service) => [
        serviceView.name(service),
        service.binding?.interface ?? "",
        service.addresses.join(","),
        service.mac,
        String(service.binding?.priority ?? ""),
      ]),
    },
  ],
};
