import type { Command } from "./command.ts";
import { check } from "./commands/check.ts";
import { checkSystemCommand } from "./commands/checksystem.ts";
import { complete } from "./commands/complete.ts";
import { completion } from "./commands/completion.ts";
import { diags } from "./commands/diags.ts";
import { endpointList } from "./commands/endpoint/ls.ts";
import { endpointShow } from "./commands/endpoint/show.ts";
import { ipamCheck } from "./commands/ipam/check.ts";
import { ipamInfo } from "./commands/ipam/info.ts";
import { ipamRelease } from "./commands/ipam/release.ts";
import { ipamShow } from "./commands/ipam/show.ts";
import { events } from "./commands/events.ts";
import { networkCreate } from "./commands/network/create.ts";
import { networkInfo } from "./commands/network/info.ts";
import { networkList } from "./commands/network/ls.ts";
import { networkRemove } from "./commands/network/rm.ts";
import { nodeList } from "./commands/node/ls.ts";
import { nodeRemove } from "./commands/node/remove.ts";
import { nodeService } from "./commands/node/service.ts";
import { nodeShow } from "./commands/node/show.ts";
import { nodeStart } from "./commands/node/start.ts";
import { nodeStop } from "./commands/node/stop.ts";
import { poolAdd } from "./commands/pool/add.ts";
import { poolList } from "./commands/pool/ls.ts";
import { poolRemove } from "./commands/pool/rm.ts";
import { runCommand } from "./commands/run.ts";
import { sandboxList } from "./commands/sandbox/ls.ts";
import { sandboxShow } from "./commands/sandbox/show.ts";
import { serviceAttach } from "./commands/service/attach.ts";
import { serviceDetach } from "./commands/service/detach.ts";
import { serviceInfo } from "./commands/service/info.ts";
import { serviceList } from "./commands/service/ls.ts";
import { servicePublish } from "./commands/service/publish.ts";
import { serviceUnpublish } from "./commands/service/unpublish.ts";
import { status } from "./commands/status.ts";
import { versionCommand } from "./commands/version.ts";

/** What each noun is, for help and docs; in this order. */
export const nouns: Readonly<Record<string, string>> = {
  network: "Networks: groups of services that reach each other",
  service: "Services: named endpoints, to which containers are attached",
  endpoint: "Endpoints: interfaces into a network",
  node: "Nodes: hosts that keep their endpoints right by themselves",
  sandbox: "Sandboxes: the network namespaces of attached containers",
  pool: "Pools that addresses are taken from",
  ipam: "Addresses and who has them",
};

/** Every command there is. */
export const tree: readonly Command[] = [
  networkCreate,
  networkRemove,
  networkList,
  networkInfo,
  servicePublish,
  serviceUnpublish,
  serviceAttach,
  serviceDetach,
  serviceList,
  serviceInfo,
  endpointList,
  endpointShow,
  sandboxList,
  sandboxShow,
  nodeStart,
  nodeStop,
  nodeService,
  nodeList,
  nodeShow,
  nodeRemove,
  poolAdd,
  poolRemove,
  poolList,
  ipamShow,
  ipamInfo,
  ipamCheck,
  ipamRelease,
  runCommand,
  status,
  events,
  check,
  checkSystemCommand,
  diags,
  versionCommand,
  completion,
  complete,
];
