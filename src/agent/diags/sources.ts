/** What a bundle holds. */
import { readFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { failure } from "../../base/errors.ts";
import { listSysctls, readSysctl } from "../../dataplane/sysctl.ts";
import { tableText } from "../../dataplane/nftables/protocol.ts";
import { ownTables } from "../../drivers/bridge/firewall/firewall.ts";
import { structures } from "../../drivers/calico/firewall/ruleset.ts";
import { connect } from "../../store/connect.ts";
import { ROOT } from "../../store/keys.ts";
import type { StoreOptions } from "../../store/options.ts";
import { agentCall } from "../control-client.ts";
import { journalFile } from "../events.ts";
import { logSince } from "../log-file.ts";
import { runProgram } from "../program.ts";
import { type CheckedPlaces, checkSystem } from "../system-check/system-check.ts";
import type { Source } from "./bundle.ts";

/** Of each log, its end. */
const LOG_BYTES = 1024 * 1024;

export interface Subject extends CheckedPlaces {
  readonly version: string;
  readonly node: string;
  readonly logDir: string;
  readonly store: StoreOptions;
}

export function sourcesOf(subject: Subject): Source[] {
  const { version, node, stateDir, logDir, store, dockerHost } = subject;
  return [
    {
      name: "versions.json",
      gather: () => ({ calicoctl: version, node: process.version, kernel: release(), system: systemName() }),
    },
    { name: "settings.json", gather: () => ({ node, stateDir, logDir, store, dockerHost: dockerHost ?? null }) },
    { name: "checksystem.json", gather: () => checkSystem(subject) },
    { name: "status.json", gather: () => statusOf(stateDir) },
    { name: "events.jsonl", gather: () => readFileSync(journalFile(stateDir), "utf8") },
    { name: "store.json", gather: () => storeDump(store) },
    ...networkSources(),
    { name: "sysctls.json", gather: sysctls },
    ...["node.log", "etcd.log"].map((name) => ({ name: `logs/${name}`, gather: () => logEnd(join(logDir, name)) })),
  ];
}

/** The whole model, as it is stored; a value that is no JSON stands as text. */
async function storeDump(options: StoreOptions): Promise<{ key: string; value: unknown }[]> {
  const store = connect(options);
  try {
    const { ranges } = await store.read([{ prefix: ROOT }]);
    return (ranges[0]?.kvs ?? []).map(({ key, value }) => ({ key, value: parsed(value) }));
  } finally {
    await store.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function statusOf(stateDir: string): Promise<unknown> {
  const answer = await agentCall(stateDir, "GET", "/status");
  if (answer === undefined) throw failure("no node runs on this host");
  return parsed(answer.body);
}

const IP_QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  links: ["-d", "-s", "link", "show"],
  addresses: ["address", "show"],
  routes: ["-4", "route", "show", "table", "all"],
  routes6: ["-6", "route", "show", "table", "all"],
  rules: ["-4", "rule", "show"],
  rules6: ["-6", "rule", "show"],
  neighbours: ["neighbour", "show", "nud", "all"],
};

/** Of the host's firewall our own tables alone: the rest is none of ours to hand on. */
function networkSources(): Source[] {
  const ip = Object.entries(IP_QUESTIONS).map(([name, words]) => ({
    name: `network/${name}.json`,
    gather: async () => parsed(await runProgram("ip", ["-j", ...words])),
  }));
  const nft = [...structures.map(({ table }) => table), ...ownTables].map((table) => ({
    name: `network/nft-${table.family}${table.name.replace("calico_cnm", "").replace("_", "-")}.txt`,
    gather: () => runProgram("nft", ["list", "table", ...tableText(table).split(" ")]),
  }));
  return [...ip, ...nft];
}

const PER_INTERFACE: readonly (readonly [string, readonly string[]])[] = [
  ["ipv4", ["forwarding", "rp_filter", "proxy_arp", "arp_ignore", "accept_redirects", "route_localnet"]],
  ["ipv6", ["forwarding", "disable_ipv6", "accept_ra", "proxy_ndp"]],
];

function sysctls(): Record<string, string> {
  const single = [
    ["ipv4", "ip_forward"],
    ["ipv4", "ip_nonlocal_bind"],
    ["netfilter", "nf_conntrack_max"],
    ["netfilter", "nf_conntrack_count"],
  ];
  const each = PER_INTERFACE.flatMap(([family, names]) =>
    listSysctls([family, "conf"]).flatMap((device) => names.map((name) => [family, "conf", device, name])),
  );
  return Object.fromEntries(
    [...single, ...each].flatMap((path) => {
      const value = readSysctl(path);
      return value === undefined ? [] : [[`net/${path.join("/")}`, value]];
    }),
  );
}

function logEnd(file: string): string {
  const lines = logSince(file, 0, LOG_BYTES);
  if (lines.length === 0) throw failure(`${file} is missing or empty`);
  return `${lines.join("\n")}\n`;
}

const systemName = (): string =>
  /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
