import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { forgetConnections } from "../../../src/dataplane/conntrack.ts";
import { readSysctl } from "../../../src/dataplane/sysctl.ts";
import { must } from "../../helpers/process.ts";
import { makeTestbed } from "./netlink/testbed.ts";
import type { Testbed } from "./netlink/testbed.ts";

let bed: Testbed;
beforeEach(async () => {
  bed = await makeTestbed();
});
afterEach(() => bed.close());

/** Pings between addresses of one loopback, each pair a connection of its own. */
async function connect(pairs: readonly (readonly [string, string])[]): Promise<void> {
  const { name, ip } = bed.host;
  await ip("link", "set", "lo", "up");
  for (const address of new Set(pairs.flat())) await ip("address", "add", address, "dev", "lo");
  const rules = "table inet t { chain c { type filter hook input priority 0; ct state new accept; }; }";
  await must(["nft", "-f", "-"], { namespace: name, stdin: rules });
  for (const [from, to] of pairs) await must(["ping", "-n", "-c", "1", "-W", "5", "-I", from, to], { namespace: name });
}

const count = (): number => Number(readSysctl(["netfilter", "nf_conntrack_count"], bed.host.namespace));

test.each([
  ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
  ["fd80::1", "fd80::2", "fd80::3"],
] as const)("what %s opened or answered is forgotten, and nothing else", async (own, second, third) => {
  const before = count();
  await connect([
    [own, second],
    [third, own],
    [second, third],
  ]);
  const all = count();
  expect(all).toBeGreaterThanOrEqual(before + 3);
  forgetConnections(own, bed.host.namespace);
  expect(count()).toBe(all - 2);
  forgetConnections(own, bed.host.namespace);
  expect(count()).toBe(all - 2);
  forgetConnections(third, bed.host.namespace);
  expect(count()).toBe(all - 3);
});

test("where nothing is tracked there is nothing to forget", () => {
  forgetConnections("10.0.0.1", bed.container.namespace);
  expect(count()).toBe(0);
});
