import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { KernelEvent } from "../../../src/dataplane/monitor.ts";
import { addElements } from "../../../src/dataplane/nftables/elements.ts";
import type { NftSet } from "../../../src/dataplane/nftables/elements.ts";
import { nft } from "../../../src/dataplane/nftables/nft.ts";
import { Nftables } from "../../../src/dataplane/nftables/nftables.ts";
import type { Table } from "../../../src/dataplane/nftables/protocol.ts";
import { must, start, until } from "../../helpers/process.ts";
import { listen } from "./listening.ts";
import type { Listening } from "./listening.ts";

const table: Table = { family: "inet", name: "ours" };
const arpTable: Table = { family: "arp", name: "ours" };
const names: NftSet = { table, name: "names", key: ["ifname"] };

const STRUCTURE = `
table inet ours { set names { type ifname; }; chain one { counter; }; }
table arp ours { chain one { }; }`;

let listening: Listening;
beforeEach(async () => {
  listening = await listen({ tables: [table, arpTable] });
  await nft(STRUCTURE, listening.bed.host.namespace);
  await changed(table);
});
afterEach(() => listening.close());

const firewallEvents = (): Extract<KernelEvent, { kind: "firewall" }>[] =>
  listening.events.filter((event) => event.kind === "firewall");
const tables = (): Set<Table> => new Set(firewallEvents().map((event) => event.table));

/** Waits until a change of the table is told, and forgets all until then. */
async function changed(wanted: Table): Promise<void> {
  await until("the table has changed", () => tables().has(wanted));
  await forget();
}

async function forget(): Promise<void> {
  await listening.caughtUp();
  const last = listening.events.at(-1);
  if (last !== undefined) await listening.heard(last);
}

const inHost = (...script: string[]): Promise<string> =>
  must(["nft", ...script], { namespace: listening.bed.host.name });

test.each([
  ["add", "element", "inet", "ours", "names", "{ cali0 }"],
  ["delete", "rule", "inet", "ours", "one", "handle", "3"],
  ["add", "rule", "inet", "ours", "one", "drop"],
  ["add", "chain", "inet", "ours", "two"],
  ["delete", "set", "inet", "ours", "names"],
  ["flush", "table", "inet", "ours"],
  ["delete", "table", "inet", "ours"],
])("%s %s of a table is told, with the program that did it", async (...script) => {
  if (script.includes("handle")) script[script.length - 1] = await handleOfFirstRule();
  const child = start(["nft", ...script], { namespace: listening.bed.host.name });
  expect(await child.ended).toMatchObject({ code: 0 });
  await until("the table has changed", () => tables().has(table));
  expect(tables()).toEqual(new Set([table]));
  // setpriv and `ip netns exec` become nft, without a process of their own.
  expect(firewallEvents()[0]?.by).toEqual({ pid: child.pid, program: "nft" });
});

async function handleOfFirstRule(): Promise<string> {
  const listed = await inHost("--handle", "list", "chain", "inet", "ours", "one");
  return /counter.*# handle (\d+)/.exec(listed)?.[1] ?? "";
}

test("nft flush ruleset is told of every table", async () => {
  await inHost("flush", "ruleset");
  await until("two tables have changed", () => tables().size === 2);
  expect(tables()).toEqual(new Set([table, arpTable]));
});

test("tables of others are not told, be their names the same, and no other namespace's", async () => {
  await inHost("add", "table", "ip", "ours");
  await inHost("add", "table", "inet", "theirs");
  await must(["nft", "add", "table", "inet", "ours"], { namespace: listening.bed.container.name });
  await listening.caughtUp();
  expect(firewallEvents()).toEqual([]);
});

test("what a process changes is not told to it, where the kernel knows it by another PID", async () => {
  const script = [process.execPath, "scripts/run.mjs", "test/system/dataplane/monitor-own.ts"];
  const own = start(["unshare", "--pid", "--fork", "--kill-child", ...script], { namespace: listening.bed.host.name });
  expect(await own.ended).toMatchObject({ code: 0, stdout: "[]" });
  await until("others are told of it", () => tables().has(table));
});

test("what this process changes is not told, and what another one does in between is", async () => {
  const own = Nftables.open(listening.bed.host.namespace);
  try {
    own.commit(addElements(names, [{ key: ["cali0"] }]));
    await listening.caughtUp();
    expect(firewallEvents()).toEqual([]);
    own.commit(addElements(names, [{ key: ["cali1"] }]));
    await inHost("add", "chain", "arp", "ours", "two");
    own.commit(addElements(names, [{ key: ["cali2"] }]));
    await until("a table has changed", () => tables().size > 0);
    expect(tables()).toEqual(new Set([arpTable]));
  } finally {
    own.close();
  }
});
