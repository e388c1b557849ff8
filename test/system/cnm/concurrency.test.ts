/** 32 commands at once, from several processes: every rule holds, and nobody fails who need not. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import type { Ended } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { storeKeys } from "../../helpers/state.ts";

const AT_ONCE = 32;
const EXISTS = 4;

let host: Host;
let residents: Resident[];
let untouched: string;

beforeEach(async () => {
  host = await makeHost();
  untouched = await host.snapshot();
  residents = Array.from({ length: 4 }, () => startResident(host));
});
afterEach(async () => {
  await Promise.all(residents.map((resident) => resident.close()));
  await host.close();
});

/** Runs the commands at once, dealt out to the residents. */
const atOnce = (commands: readonly (readonly string[])[]): Promise<Ended[]> =>
  Promise.all(commands.map((command, index) => calicoctl(index, ...command)));

const calicoctl = (index: number, ...command: readonly string[]): Promise<Ended> => {
  const resident = residents[index % residents.length];
  if (!resident) throw new Error("there is no resident");
  return resident.calicoctl(...command);
};

const must = async (...command: readonly string[]): Promise<void> => {
  expect(await calicoctl(0, ...command)).toMatchObject({ code: 0 });
};

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const codes = (ended: readonly Ended[]): number[] => ended.map(({ code }) => code).toSorted((a, b) => a - b);

interface Service {
  name: string;
  addresses: string[];
  attachment: object | null;
}

async function services(): Promise<Service[]> {
  const { stdout } = await calicoctl(0, "service", "ls", "-o", "json");
  return (JSON.parse(stdout) as { items: Service[] }).items;
}

const allRight = async (): Promise<void> => {
  expect(await calicoctl(0, "check")).toMatchObject({ code: 0, stdout: "" });
};

const containers = (count: number): Promise<Container[]> => Promise.all(times(count, () => host.container()));

test("the same network is created once", async () => {
  const ended = await atOnce(times(AT_ONCE, () => ["network", "create", "--subnet", "10.1.0.0/24", "net"]));
  expect(codes(ended)).toEqual([0, ...times(AT_ONCE - 1, () => EXISTS)]);
  expect([...(await storeKeys(host, "/calico/cnm/v1/networks/")).keys()]).toHaveLength(1);
  expect([...(await storeKeys(host, "/calico/cnm/v1/ipam/pools/")).keys()]).toHaveLength(1);
  await allRight();
});

test("of networks whose subnets overlap, one is created", async () => {
  const ended = await atOnce(
    times(AT_ONCE, (n) => ["network", "create", "--subnet", `10.0.0.0/${8 + (n % 9)}`, `n${n}`]),
  );
  expect(codes(ended)).toEqual([0, ...times(AT_ONCE - 1, () => EXISTS)]);
  await allRight();
});

test("a name is published once", async () => {
  await must("network", "create", "net");
  const ended = await atOnce(times(AT_ONCE, () => ["service", "publish", "web.net"]));
  expect(codes(ended)).toEqual([0, ...times(AT_ONCE - 1, () => EXISTS)]);
  expect(await services()).toHaveLength(1);
  expect([...(await storeKeys(host, "/calico/cnm/v1/ipam/addresses/")).keys()]).toHaveLength(1);
  await allRight();
});

test("on a store that is empty, the default network and pools come once and every service has an address of its own", async () => {
  const ended = await atOnce(times(AT_ONCE, (n) => ["service", "publish", `s${n}`]));
  expect(codes(ended)).toEqual(times(AT_ONCE, () => 0));
  expect(new Set((await services()).flatMap(({ addresses }) => addresses)).size).toBe(AT_ONCE);
  expect([...(await storeKeys(host, "/calico/cnm/v1/networks/")).keys()]).toHaveLength(1);
  await allRight();
});

test("a subnet with fewer addresses than takers gives each of them once", async () => {
  await must("network", "create", "--subnet", "10.1.0.0/28", "net");
  const ended = await atOnce(times(AT_ONCE, (n) => ["service", "publish", `s${n}.net`]));
  expect(codes(ended)).toEqual([...times(14, () => 0), ...times(AT_ONCE - 14, () => 1)]);
  expect(new Set((await services()).flatMap(({ addresses }) => addresses)).size).toBe(14);
  await allRight();
});

test("the last address of a /30 goes to one of those who race for it, with the container", async () => {
  await must("network", "create", "--subnet", "10.1.0.0/30", "net");
  await must("service", "publish", "taken.net");
  const places = await containers(2);
  const ended = await atOnce(places.map(({ ref }, n) => ["service", "attach", "--publish", ref, `s${n}.net`]));
  expect(codes(ended)).toEqual([0, 1]);
  expect((await services()).filter(({ attachment }) => attachment)).toHaveLength(1);
  expect(await services()).toHaveLength(2);
  await allRight();
});

test("32 containers are attached at once, reach each other, and leave the host as it was", async () => {
  const places = await containers(AT_ONCE);
  const ended = await atOnce(places.map(({ ref }, n) => ["service", "attach", "--publish", ref, `s${n}.net.calico`]));
  expect(codes(ended)).toEqual(times(AT_ONCE, () => 0));
  await allRight();
  const addresses = new Map((await services()).map(({ name, addresses }) => [name, addresses[0] ?? ""]));
  const rounds = places.map((from, n) => ping(from, addresses.get(`s${(n + 1) % AT_ONCE}`) ?? ""));
  expect(await Promise.all(rounds)).toEqual(times(AT_ONCE, () => true));
  expect(codes(await atOnce(times(AT_ONCE, (n) => ["service", "detach", `s${n}.net`])))).toEqual(
    times(AT_ONCE, () => 0),
  );
  await allRight();
  expect(await host.snapshot()).toBe(untouched);
}, 120_000);

test("the same attach at once succeeds once", async () => {
  await must("network", "create", "net");
  await must("service", "publish", "web.net");
  const [place] = await containers(1);
  const ended = await atOnce(times(8, () => ["service", "attach", place?.ref ?? "", "web.net"]));
  expect(codes(ended)).toEqual([0, ...times(7, () => EXISTS)]);
  await allRight();
});

test("of containers that race for one service, one has it", async () => {
  await must("network", "create", "net");
  await must("service", "publish", "web.net");
  const places = await containers(4);
  const ended = await atOnce(places.map(({ ref }) => ["service", "attach", ref, "web.net"]));
  expect(codes(ended)).toEqual([0, ...times(3, () => EXISTS)]);
  await allRight();
});

test("one sandbox takes many networks at once, each with an interface of its own", async () => {
  await atOnce(times(6, (n) => ["network", "create", "--subnet", `10.${n}.0.0/24`, `n${n}`]));
  const [place] = await containers(1);
  const ended = await atOnce(times(6, (n) => ["service", "attach", "--publish", place?.ref ?? "", `s.n${n}`]));
  expect(codes(ended)).toEqual(times(6, () => 0));
  const bound = [...(await storeKeys(host, "/calico/cnm/v1/endpoints/")).values()].map(
    (value) => (JSON.parse(value) as { binding: { interface: string } }).binding.interface,
  );
  expect(bound.toSorted()).toEqual(times(6, (n) => `eth${n}`));
  await allRight();
});

test("attach, detach, unpublish and network rm may race: each ends as a rule says, and nothing is half made", async () => {
  await must("network", "create", "--subnet", "10.1.0.0/24", "net");
  const places = await containers(4);
  await atOnce(times(4, (n) => ["service", "publish", `s${n}.net`]));
  for (let round = 0; round < 3; round += 1) {
    const ended = await atOnce(
      times(AT_ONCE, (n) => {
        const [service, { ref = "" } = {}] = [`s${n % 4}.net`, places[n % 4]];
        const verbs = [
          ["service", "attach", "--publish", ref, service],
          ["service", "detach", service],
          ["service", "unpublish", "--force", service],
          ["network", "rm", "net"],
          ["service", "attach", ref, service],
          ["network", "create", "--subnet", "10.1.0.0/24", "net"],
        ];
        return verbs[(n + round) % verbs.length] ?? [];
      }),
    );
    for (const { code } of ended) expect([0, 3, EXISTS]).toContain(code);
    await allRight();
  }
  for (const { name } of await services()) await must("service", "unpublish", "--force", `${name}.net`);
  await allRight();
  expect(await host.snapshot()).toBe(untouched);
}, 120_000);

test("a network that is removed takes no new service with it", async () => {
  for (let round = 0; round < 5; round += 1) {
    await must("network", "create", "--subnet", "10.1.0.0/24", "net");
    const ended = await atOnce([
      ...times(6, (n) => ["service", "publish", `s${n}.net`]),
      ["network", "rm", "net"],
      ["network", "rm", "net"],
    ]);
    for (const { code } of ended) expect([0, 3, EXISTS]).toContain(code);
    await allRight();
    for (const { name } of await services()) await must("service", "unpublish", `${name}.net`);
    await calicoctl(0, "network", "rm", "--ignore", "net");
    expect([...(await storeKeys(host)).keys()]).toEqual([]);
  }
});
