/** The firewall's own objects: what is built, compared, repaired and taken away, beside whatever else is there. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Firewall } from "../../../src/drivers/calico/firewall/firewall.ts";
import { versionChain } from "../../../src/drivers/calico/firewall/ruleset.ts";
import type {
  Difference,
  FirewallDesired,
  FirewallEndpoint,
  FirewallNetwork,
} from "../../../src/drivers/calico/firewall/types.ts";
import { BLUE, INNER, POOLS, RED, makeFirewallHost } from "./firewall-host.ts";
import type { FirewallHost } from "./firewall-host.ts";

const FOREIGN = `
table ip filter {
  chain FORWARD { type filter hook forward priority filter; policy drop; iifname "cali*" counter accept; }
}
table inet calico_other {
  set members4 { type ipv4_addr; elements = { 10.0.0.1 }; }
  chain egress-aaaaaaaaaaa { ip saddr @members4 drop; }
}
table arp filter {
  chain INPUT { type filter hook input priority 0; policy accept; }
}`;

const endpoint = (number: number, network: FirewallNetwork): FirewallEndpoint => ({
  interface: `cali${number.toString(16).padStart(11, "0")}`,
  mac: `02:00:00:00:00:${number.toString(16).padStart(2, "0")}`,
  addresses: [`192.168.1.${number}`, `fd80:24e2:f998:72d6::${number.toString(16)}`],
  network,
});

const desiredOf = (...endpoints: FirewallEndpoint[]): FirewallDesired => ({
  pools: POOLS,
  endpoints,
  members: endpoints.flatMap(({ network, addresses }) => addresses.map((address) => ({ network, address }))),
  asOf: performance.now(),
});

describe("the structure", () => {
  let host: FirewallHost;
  let firewall: Firewall;
  beforeEach(async () => {
    host = await makeFirewallHost();
    firewall = host.firewall;
  });
  afterEach(() => host.close());

  const ensure = async (...endpoints: FirewallEndpoint[]): Promise<void> => {
    for (const endpoint of endpoints) await firewall.ensureEndpoint(endpoint, POOLS);
  };
  const found = async (desired: FirewallDesired): Promise<string[]> =>
    (await firewall.differences(desired)).map(({ what }) => what);
  const repair = async (desired: FirewallDesired): Promise<readonly Difference[]> => {
    const differences = await firewall.differences(desired);
    for (const difference of differences) await difference.repair();
    return differences;
  };
  const listing = (): Promise<string> => host.nft("list ruleset");

  test("ensuring twice is ensuring once, removing twice is removing once, and tables of others stay as they were", async () => {
    await host.nft(FOREIGN);
    const foreign = await host.foreignTables();
    const before = await listing();
    const [one, two] = [endpoint(1, RED), endpoint(2, RED)];

    await ensure(one);
    const single = await listing();
    await ensure(one);
    expect(await listing()).toBe(single);
    await ensure(two);
    expect(await found(desiredOf(one, two))).toEqual([]);

    firewall.removeEndpoint(two);
    firewall.removeEndpoint(two);
    expect(await listing()).toBe(single);
    firewall.removeEndpoint(one);
    expect(await listing()).not.toMatch(/aaaaaaaaaaa\b(?!.*\{ *$)|members[46]-/m);
    expect(await found(desiredOf())).toEqual([]);

    await firewall.remove();
    await firewall.remove();
    expect(await listing()).toBe(before);
    expect(await host.foreignTables()).toBe(foreign);
  });

  test("what an administrator flushed comes back whole", async () => {
    const all = [endpoint(1, RED), endpoint(2, BLUE), endpoint(3, INNER)];
    await ensure(...all);
    const right = await listing();
    await host.nft("flush ruleset");
    expect((await found(desiredOf(...all)))[0]).toBe(
      "firewall: table inet calico_cnm is missing, table arp calico_cnm is missing",
    );
    await repair(desiredOf(...all));
    expect(await found(desiredOf(...all))).toEqual([]);
    expect((await listing()).split("\n").toSorted()).toEqual(right.split("\n").toSorted());

    await host.nft("flush ruleset");
    await ensure(...all);
    expect(await found(desiredOf(...all))).toEqual([]);
  });

  test.each([
    ["flush chain inet calico_cnm source", "firewall: chain source was changed"],
    ["insert rule inet calico_cnm forward accept", "firewall: chain forward was changed"],
    ["delete table arp calico_cnm", "firewall: table arp calico_cnm is missing"],
    ["add chain inet calico_cnm mine", "firewall: chain mine does not belong in it"],
    [
      "flush chain inet calico_cnm egress-aaaaaaaaaaa",
      "firewall of network aaaaaaaaaaa: chain egress-aaaaaaaaaaa was changed",
    ],
    ["flush set inet calico_cnm nat4", "firewall: lacks nat4 192.168.0.0/16"],
    ["add element inet calico_cnm pools4 { 10.1.0.0/24 }", "firewall: has pools4 10.1.0.0/24 left over"],
    [
      "flush set inet calico_cnm members4-aaaaaaaaaaa",
      "firewall of network aaaaaaaaaaa: lacks members4-aaaaaaaaaaa 192.168.1.1",
    ],
    [
      "add element inet calico_cnm members4-aaaaaaaaaaa { 9.9.9.9 }",
      "firewall of network aaaaaaaaaaa: has members4-aaaaaaaaaaa 9.9.9.9 left over",
    ],
    ["flush map inet calico_cnm to", "firewall of interface cali00000000001: lacks to"],
    [
      "add element inet calico_cnm bindings4 { eth9 . 02:00:00:00:00:09 . 10.0.0.9 }",
      "firewall of interface eth9: has bindings4 10.0.0.9 left over",
    ],
  ])("is compared and repaired: %s", async (drift, what) => {
    const desired = desiredOf(endpoint(1, RED));
    await ensure(endpoint(1, RED));
    await host.nft(drift);
    expect((await found(desired))[0]).toBe(what);
    await repair(desired);
    expect(await found(desired)).toEqual([]);
  });

  test("an endpoint that ought not to be there is taken away, with its network", async () => {
    await ensure(endpoint(1, RED), endpoint(2, BLUE));
    const desired = desiredOf(endpoint(1, RED));
    expect(await found(desired)).toEqual([
      "firewall of interface cali00000000002: has from, to, interfaces, bindings4 192.168.1.2 and 2 more left over",
      "firewall of network bbbbbbbbbbb: it has no endpoint on this host",
    ]);
    await repair(desired);
    expect(await found(desired)).toEqual([]);
  });

  test("a member that is told of while somebody looks stays as it was told, whatever was found", async () => {
    const one = endpoint(1, RED);
    await ensure(one);
    const [before, tooSoon, member] = [desiredOf(one), "10.1.1.1", "10.1.1.2"];
    await host.nft(`add element inet calico_cnm members4-aaaaaaaaaaa { ${member} }`);
    firewall.setMembers([{ network: RED, address: tooSoon }], []);
    const left = `firewall of network aaaaaaaaaaa: has members4-aaaaaaaaaaa ${member} left over`;
    const differences = await firewall.differences(before);
    expect(differences.map(({ what }) => what)).toEqual([left]);
    firewall.setMembers([{ network: RED, address: member }], []);
    for (const difference of differences) await difference.repair();
    const now = desiredOf(one);
    const members = [...now.members, ...[tooSoon, member].map((address) => ({ network: RED, address }))];
    expect(await found({ ...now, members })).toEqual([]);
    // It is known for that time only.
    await repair(now);
    expect(await found(now)).toEqual([]);
    expect(await found({ ...now, members })).toHaveLength(1);
  });

  test("pools are exactly those of the last call", async () => {
    const one = endpoint(1, RED);
    await ensure(one);
    const others = [
      { cidr: "10.0.0.0/24", natOutgoing: false },
      { cidr: "10.0.1.0/24", natOutgoing: true },
      { cidr: "0.0.0.0/5", natOutgoing: true },
      { cidr: "255.255.255.0/24", natOutgoing: false },
    ];
    await firewall.ensureEndpoint(one, others);
    expect(await found({ ...desiredOf(one), pools: others })).toEqual([]);
    const set = (await host.nft("list set inet calico_cnm pools4")).replaceAll(/\s+/g, " ");
    expect(set).toContain("elements = { 0.0.0.0/5, 10.0.0.0/24, 10.0.1.0/24, 255.255.255.0/24 }");
    await firewall.ensureEndpoint(one, []);
    expect(await host.nft("list set inet calico_cnm pools4")).not.toContain("elements");
  });

  test("takes more pools than one message holds, and callers that know different ones do not starve each other", async () => {
    const one = endpoint(1, RED);
    const many = Array.from({ length: 1000 }, (_, index) => ({
      cidr: `10.${index >> 8}.${index & 255}.0/24`,
      natOutgoing: true,
    }));
    await firewall.ensureEndpoint(one, many);
    expect(await found({ ...desiredOf(one), pools: many })).toEqual([]);

    const writers = [POOLS, many, POOLS.slice(1), many.slice(7)].map((pools) => ({
      writer: Firewall.open(host.namespace),
      pools,
    }));
    try {
      await Promise.all(
        writers.flatMap(({ writer, pools }, index) =>
          Array.from({ length: 10 }, (_, turn) => writer.ensureEndpoint(endpoint(10 * index + turn + 1, RED), pools)),
        ),
      );
    } finally {
      for (const { writer } of writers) writer.close();
    }
    const all = Array.from({ length: 40 }, (_, index) => endpoint(index + 1, RED));
    await firewall.ensureEndpoint(one, many);
    expect(await found({ ...desiredOf(...all), pools: many })).toEqual([]);
  });

  test("another version is replaced in place: nothing is lost of the endpoints", async () => {
    const [one, two] = [endpoint(1, RED), endpoint(2, INNER)];
    await ensure(one, two);
    const right = (await listing()).split("\n").toSorted();
    await host.nft(`
      delete chain inet calico_cnm ${versionChain}
      add chain inet calico_cnm version-000000000000
      add chain inet calico_cnm old { type filter hook forward priority 5; policy accept; }
      add rule inet calico_cnm old jump source
      add rule inet calico_cnm source accept
      flush chain inet calico_cnm internal-ccccccccccc`);
    await ensure(one);
    expect(await found(desiredOf(one, two))).toEqual([]);
    expect((await listing()).split("\n").toSorted()).toEqual(right);
  });

  test("something else by the name of our table is replaced", async () => {
    await host.nft("add table inet calico_cnm; add set inet calico_cnm from { type ipv4_addr; }");
    await host.nft("add chain inet calico_cnm forward { type filter hook input priority 7; }");
    await ensure(endpoint(1, RED));
    expect(await found(desiredOf(endpoint(1, RED)))).toEqual([]);
  });

  test("an interface that belonged to another network is moved", async () => {
    await ensure(endpoint(1, RED));
    await ensure(endpoint(1, BLUE));
    expect(await found(desiredOf(endpoint(1, BLUE)))).toEqual([
      "firewall of network aaaaaaaaaaa: it has no endpoint on this host",
    ]);
  });

  test("writers side by side do not undo each other", async () => {
    const endpoints = Array.from({ length: 24 }, (_, index) => endpoint(index + 1, index % 2 === 0 ? RED : BLUE));
    const others = [firewall, Firewall.open(host.namespace), Firewall.open(host.namespace)];
    try {
      await Promise.all(
        endpoints.map((endpoint, index) => (others[index % 3] ?? firewall).ensureEndpoint(endpoint, POOLS)),
      );
      expect(await found(desiredOf(...endpoints))).toEqual([]);
      await Promise.all(
        endpoints.map(async (endpoint, index) => {
          const writer = others[index % 3] ?? firewall;
          if (index % 4 < 2) await writer.ensureEndpoint(endpoint, POOLS);
          else writer.removeEndpoint(endpoint);
        }),
      );
      expect(await found(desiredOf(...endpoints.filter((_, index) => index % 4 < 2)))).toEqual([]);
    } finally {
      for (const other of others.slice(1)) other.close();
    }
  });

  test("counters are zero where nothing was built", async () => {
    const zero = { packets: 0, bytes: 0 };
    expect(await firewall.counters()).toEqual({
      spoofed: zero,
      isolated: zero,
      internal: zero,
      unknownInterface: zero,
    });
  });
});
