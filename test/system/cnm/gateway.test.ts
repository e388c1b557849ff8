/** A sandbox on three networks: one endpoint leads outside, each leads to its own network's members. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { exec, ping, tcp, type Container } from "../../helpers/container.ts";
import { INTERNET, UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "./services.ts";

let host: Host;
let resident: Resident;
let untouched: string;
beforeEach(async () => {
  host = await makeHost();
  untouched = await host.snapshot();
  resident = startResident(host);
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

/** The interface by which the container sends to the address. */
async function interfaceTo(from: Container, address: string): Promise<string | undefined> {
  const { stdout } = await exec(from, ["ip", "route", "get", address]);
  return / dev (\S+)/.exec(stdout)?.[1];
}

/** The sandbox and a neighbour of it are the two members of the network. */
interface Pair {
  readonly own: Attached;
  readonly neighbour: Attached;
  readonly there: Container;
}

async function expectMembersReached(sandbox: Container, pairs: readonly Pair[]): Promise<void> {
  for (const { own, neighbour, there } of pairs) {
    expect(await interfaceTo(sandbox, neighbour.ip)).toBe(own.interface);
    expect(await tcp(sandbox, neighbour.ip)).toBe(own.ip);
    expect(await tcp(there, own.ip)).toBe(neighbour.ip);
    if (own.ip6 === undefined || neighbour.ip6 === undefined) continue;
    expect(await interfaceTo(sandbox, neighbour.ip6)).toBe(own.interface);
    expect(await tcp(sandbox, neighbour.ip6)).toBe(own.ip6);
    expect(await tcp(there, own.ip6)).toBe(neighbour.ip6);
  }
}

interface Story {
  /** Options of `network create`, and of `service attach`, by network. */
  readonly networks: Readonly<Record<string, { create: string; attach?: string }>>;
  /** Who owns the default route, and who does when each before is detached. An internal network leads nowhere. */
  readonly winners: readonly string[];
}

const stories: Record<string, Story> = {
  "with subnets of their own": {
    networks: {
      c: { create: "--subnet 10.3.0.0/24" },
      b: { create: "--subnet 10.2.0.0/24" },
      a: { create: "--subnet 10.1.0.0/24" },
    },
    winners: ["a", "b", "c"],
  },
  "all on the shared pool": {
    networks: { b: { create: "" }, c: { create: "" }, a: { create: "" } },
    winners: ["a", "b", "c"],
  },
  "one of them internal": {
    networks: {
      a: { create: "--internal --subnet 10.1.0.0/24" },
      b: { create: "--subnet 10.2.0.0/24" },
      c: { create: "" },
    },
    winners: ["b", "c"],
  },
  "some of them dual stack": {
    networks: {
      a: { create: "--subnet 10.1.0.0/24" },
      b: { create: "--ipv6" },
      c: { create: "--subnet 10.3.0.0/24 --subnet fd00:3::/64" },
    },
    winners: ["b", "c", "a"],
  },
  "with priorities": {
    networks: {
      a: { create: "--subnet 10.1.0.0/24", attach: "--priority -1" },
      b: { create: "--subnet 10.2.0.0/24" },
      c: { create: "", attach: "--priority 7" },
    },
    winners: ["c", "b", "a"],
  },
};

const words = (line = ""): string[] => line.split(" ").filter((word) => word !== "");

describe("a sandbox on three networks", () => {
  test.each(Object.entries(stories))("%s", async (_, { networks, winners }) => {
    const sandbox = await host.container();
    const pairs: Pair[] = [];
    for (const [network, { create, attach }] of Object.entries(networks)) {
      await resident.must("network", "create", ...words(create), network);
      const there = await host.container();
      const neighbour = await attachNew(resident, there, `other.${network}`);
      pairs.push({ own: await attachNew(resident, sandbox, `own.${network}`, ...words(attach)), neighbour, there });
    }
    const left = new Map(pairs.map((pair) => [pair.own.network, pair]));
    for (const winner of winners) {
      const gateway = left.get(winner)?.own;
      expect(await interfaceTo(sandbox, INTERNET.address)).toBe(gateway?.interface);
      expect(await tcp(sandbox, INTERNET.address)).toBe(UPLINK.address);
      if (gateway?.ip6 !== undefined) expect(await tcp(sandbox, INTERNET.address6)).toBe(UPLINK.address6);
      await expectMembersReached(sandbox, [...left.values()]);
      expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
      await resident.must("service", "detach", `own.${winner}`);
      left.delete(winner);
    }
    // An internal network may be left: it elects nobody.
    expect(await tcp(sandbox, INTERNET.address)).toBeUndefined();
    await expectMembersReached(sandbox, [...left.values()]);
    for (const network of Object.keys(networks))
      await resident.must("service", "unpublish", "-f", `own.${network}`, `other.${network}`);
    expect(await host.snapshot()).toBe(untouched);
  });
});

test("two endpoints on one network answer each by its own interface", async () => {
  const [sandbox, there] = [await host.container(), await host.container()];
  await resident.must("network", "create", "net");
  const pairs: Pair[] = [];
  const neighbour = await attachNew(resident, there, "other.net");
  for (const name of ["one", "two"])
    pairs.push({ own: await attachNew(resident, sandbox, `${name}.net`), neighbour, there });
  for (const { own } of pairs) expect(await tcp(there, own.ip)).toBe(neighbour.ip);
  expect(pairs.map(({ own }) => own.ip)).toContain(await tcp(sandbox, neighbour.ip));
  expect(await tcp(sandbox, INTERNET.address)).toBe(UPLINK.address);
});

test("a default route that the container had stays its own, and networks are reached beside it", async () => {
  const [sandbox, there] = [await host.container(), await host.container()];
  const inside = (...command: string[]): Promise<string> => must(["ip", "-n", sandbox.namespace, ...command]);
  await inside("link", "add", "own0", "type", "veth", "peer", "name", "own1");
  await inside("address", "add", "172.20.0.2/24", "dev", "own0");
  for (const end of ["own0", "own1"]) await inside("link", "set", end, "up");
  await inside("route", "add", "default", "via", "172.20.0.1");
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "net");
  const neighbour = await attachNew(resident, there, "other.net");
  const own = await attachNew(resident, sandbox, "own.net");
  await expectMembersReached(sandbox, [{ own, neighbour, there }]);
  expect(await inside("route", "show", "default")).toMatch(/^default via 172\.20\.0\.1 dev own0\s*$/);
  await resident.must("service", "detach", "own.net");
  expect(await inside("route", "show", "default")).toMatch(/^default via 172\.20\.0\.1 dev own0\s*$/);
  expect(await inside("rule", "show")).not.toContain("8000:");
});

test("a network that is reached by another interface does not answer for the gateway", async () => {
  const [sandbox, stranger] = [await host.container(), await host.container()];
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "b");
  const inA = await attachNew(resident, sandbox, "own.a");
  await attachNew(resident, sandbox, "own.b");
  await attachNew(resident, stranger, "other.b");
  expect(await ping(stranger, inA.ip)).toBe(false);
});
