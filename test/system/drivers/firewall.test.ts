/** What the firewall does to packets, in a kernel's own network namespaces. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { exec, ping, tcp } from "../../helpers/container.ts";
import { must } from "../../helpers/process.ts";
import { BLUE, HOST_ADDRESS, INNER, POOLS, RED, WORLD_ADDRESS, makeFirewallHost } from "./firewall-host.ts";
import type { FirewallHost, Wired } from "./firewall-host.ts";

describe("networks", () => {
  let host: FirewallHost;
  let red: Wired;
  let red2: Wired;
  let blue: Wired;
  let inner: Wired;
  let inner2: Wired;

  beforeAll(async () => {
    host = await makeFirewallHost();
    red = await host.attach(RED);
    red2 = await host.attach(RED);
    blue = await host.attach(BLUE);
    inner = await host.attach(INNER);
    inner2 = await host.attach(INNER);
  });
  afterAll(() => host.close());

  /** Gives the container an address that the firewall does not know, for as long as the work takes. */
  const withAddress = async (container: Wired, address: string, work: () => Promise<unknown>): Promise<void> => {
    await must(["ip", "-n", container.namespace, "address", "add", address, "dev", "lo", "nodad"]);
    try {
      await work();
    } finally {
      await must(["ip", "-n", container.namespace, "address", "delete", address, "dev", "lo"]);
    }
  };

  // Compared by "more than": the kernel may say again what it said before and what was not answered.
  const count = async (reason: "spoofed" | "isolated" | "internal" | "unknownInterface"): Promise<number> =>
    (await host.firewall.counters())[reason].packets;

  test("members reach each other by both families, by ping and TCP, and see each other's own address", async () => {
    for (const [from, to] of [[red, red2] as const, [red2, red] as const, [inner, inner2] as const]) {
      expect(await ping(from, to.address)).toBe(true);
      expect(await ping(from, to.address6)).toBe(true);
      expect(await tcp(from, to.address)).toBe(from.address);
      expect(await tcp(from, to.address6)).toBe(from.address6);
    }
  });

  test("networks are kept apart in both directions, and what is dropped is counted", async () => {
    const before = await count("isolated");
    const pairs: [Wired, Wired][] = [
      [red, blue],
      [blue, red],
      [red, inner],
      [inner, red],
    ];
    const answers = pairs.flatMap(([from, to]) => [
      ping(from, to.address),
      ping(from, to.address6),
      tcp(from, to.address),
      tcp(from, to.address6),
    ]);
    expect((await Promise.all(answers)).filter((answer) => answer !== false && answer !== undefined)).toEqual([]);
    expect(await count("isolated")).toBeGreaterThanOrEqual(before + 16);
  });

  test("the host reaches its containers, and they reach it, except from an internal network", async () => {
    expect(await ping({ namespace: host.name }, red.address)).toBe(true);
    expect(await tcp({ namespace: host.name }, inner.address6)).toBeDefined();
    expect(await ping(red, HOST_ADDRESS)).toBe(true);
    const before = await count("internal");
    expect(await ping(inner, HOST_ADDRESS)).toBe(false);
    expect(await count("internal")).toBeGreaterThan(before);
  });

  test("the world sees the host's address, and an internal network has no way there", async () => {
    expect(await tcp(red, WORLD_ADDRESS)).toBe(HOST_ADDRESS);
    const before = await count("internal");
    expect(await tcp(inner, WORLD_ADDRESS)).toBeUndefined();
    expect(await count("internal")).toBeGreaterThan(before);
  });

  test("the world does not get in, even where it knows the way", async () => {
    await must(["ip", "-n", host.world.namespace, "route", "add", "192.168.0.0/16", "via", HOST_ADDRESS]);
    const before = await count("isolated");
    expect(await ping(host.world, red.address)).toBe(false);
    expect(await count("isolated")).toBeGreaterThan(before);
  });

  test.each(["192.168.1.200", "192.168.1.2", "fd80:24e2:f998:72d6::200"])(
    "a source address that is not its own is dropped: %s",
    async (forged) => {
      const target = forged.includes(":") ? red.address6 : red.address;
      const before = await count("spoofed");
      await withAddress(blue, forged, () => exec(blue, ["ping", "-n", "-c", "1", "-W", "1", "-I", forged, target]));
      expect(await count("spoofed")).toBeGreaterThan(before);
    },
  );

  test("a MAC address that is not its own is dropped, also when only ARP carries it", async () => {
    const ask = (as: string): Promise<unknown> =>
      exec(blue, ["busybox", "arping", "-c", "1", "-w", "1", "-I", "eth0", "-s", as, "169.254.1.1"]);
    const before = await count("spoofed");
    await withAddress(blue, "192.168.1.200", () => ask("192.168.1.200"));
    const dropped = await count("spoofed");
    expect(dropped).toBeGreaterThan(before);
    await ask(blue.address);
    expect(await count("spoofed")).toBe(dropped);
    await must(["ip", "-n", blue.namespace, "link", "set", "eth0", "address", "02:00:00:00:00:99"]);
    expect(await ping(blue, HOST_ADDRESS)).toBe(false);
    expect(await count("spoofed")).toBeGreaterThan(dropped);
    await must(["ip", "-n", blue.namespace, "link", "set", "eth0", "address", blue.endpoint.mac]);
  });

  test("an interface that the firewall was not told of is closed in every direction, and opens when it is", async () => {
    const unknown = await host.wire(RED);
    const spoofed = await count("spoofed");
    expect(await ping(unknown, red.address)).toBe(false);
    expect(await ping(unknown, HOST_ADDRESS)).toBe(false);
    expect(await count("spoofed")).toBeGreaterThanOrEqual(spoofed + 2);
    const before = await count("unknownInterface");
    expect(await ping({ namespace: host.name }, unknown.address)).toBe(false);
    expect(await ping(red, unknown.address)).toBe(false);
    expect(await count("unknownInterface")).toBeGreaterThan(before);

    await host.firewall.ensureEndpoint(unknown.endpoint, POOLS);
    expect(await ping(unknown, red.address)).toBe(true);
    expect(await ping({ namespace: host.name }, unknown.address)).toBe(true);

    host.firewall.removeEndpoint(unknown.endpoint);
    expect(await ping(unknown, red.address)).toBe(false);
    expect(await ping(red, red2.address)).toBe(true);
  });
});
