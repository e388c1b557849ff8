/** Random commands against a model of the rules; answers, store and kernel are compared after each. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { exec, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { storeKeys } from "../../helpers/state.ts";
import { Model, SUBNETS } from "./model.ts";

interface World {
  readonly host: Host;
  readonly resident: Resident;
  readonly containers: readonly Container[];
}

let world: World;
let untouched: string;
beforeAll(async () => {
  const host = await makeHost();
  untouched = await host.snapshot();
  const containers = [await host.container(), await host.container(), await host.container()];
  world = { host, resident: startResident(host), containers };
});
afterAll(async () => {
  await world.resident.close();
  await world.host.close();
});

/** A command line, and what the model makes of it. */
class Command implements fc.AsyncCommand<Model, World> {
  readonly #words: readonly string[];
  readonly #due: (model: Model) => number;

  constructor(words: readonly string[], due: (model: Model) => number) {
    this.#words = words;
    this.#due = due;
  }

  check = (): boolean => true;

  run = (model: Model, real: World): Promise<void> => compare(this.#words, this.#due(model), model, real);

  toString = (): string => this.#words.join(" ");
}

/** Runs the command line, in which c0 to c2 are the containers, and compares how it ends and what is then. */
async function compare(words: readonly string[], code: number, model: Model, real: World): Promise<void> {
  const { resident, containers } = real;
  const line = words.map((word) => (/^c\d$/.test(word) ? (containers[Number(word[1])]?.ref ?? word) : word));
  const command = words.join(" ");
  expect({ command, ...(await resident.calicoctl(...line)) }).toMatchObject({ command, code });
  await expectSame(model, real);
}

/** Compares what is with the model. */
async function expectSame(model: Model, { host, resident, containers }: World): Promise<void> {
  const { items } = (await resident.json("service", "ls")) as {
    items: { name: string; network: string; addresses: string[]; attachment: { containerId: string } | null }[];
  };
  for (const { name, network, addresses } of items) model.addresses.set(`${name}.${network}`, addresses[0] ?? "");
  const listed = items.map(({ name, network, attachment }) => [
    `${name}.${network}`,
    containers.findIndex(({ namespace }) => attachment?.containerId.endsWith(`/${namespace}`)),
  ]);
  const due = [...model.services].map(([name, { at }]) => [name, at ?? -1]);
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(due));
  for (const [name, { ip }] of model.services) if (ip !== undefined) expect(model.addresses.get(name)).toBe(ip);
  expect(new Set(model.addresses.values()).size).toBe(model.services.size);

  const attached = [...model.services.values()].filter(({ at }) => at !== undefined);
  const keys = [...(await storeKeys(host)).keys()].map((key) => key.slice("/calico/cnm/v1/".length));
  const count = (room: string): number => keys.filter((key) => key.startsWith(room)).length;
  expect({
    networks: count("networks/"),
    networkNames: count("network-names/"),
    endpoints: count("endpoints/"),
    endpointNames: count("endpoint-names/"),
    addresses: count("ipam/addresses/"),
    sandboxes: count("sandboxes/"),
  }).toEqual({
    networks: model.networks.size,
    networkNames: model.networks.size,
    endpoints: model.services.size,
    endpointNames: model.services.size,
    addresses: model.services.size,
    sandboxes: new Set(attached.map(({ at }) => at)).size,
  });
  const { stdout: links } = await host.exec(["ip", "-o", "link", "show", "type", "veth"]);
  expect(links.match(/^\d+: cali/gm) ?? []).toHaveLength(attached.length);
  if (attached.length === 0) expect(await host.snapshot()).toBe(untouched);
  await expectReachability(model, containers);
}

/** From every container to every service that is attached elsewhere. */
async function expectReachability(model: Model, containers: readonly Container[]): Promise<void> {
  const pairs = [...model.services].flatMap(([name, service]) =>
    containers.flatMap((from, index) => {
      const wanted = model.reaches(index, service);
      const address = model.addresses.get(name) ?? "";
      return service.at === undefined || service.at === index ? [] : [{ from, index, name, address, wanted }];
    }),
  );
  const seen = pairs.map(async ({ from, address, wanted }) => {
    // No answer is waited for where none is due.
    const patience = wanted ? "5" : "0.1";
    return (await exec(from, ["ping", "-n", "-c", "1", "-W", patience, address])).code === 0;
  });
  const told = await Promise.all(seen);
  expect(pairs.map(({ index, name }, at) => ({ from: index, to: name, reached: told[at] }))).toEqual(
    pairs.map(({ index, name, wanted }) => ({ from: index, to: name, reached: wanted })),
  );
}

const network = fc.constantFrom(...Object.keys(SUBNETS));
// No name could begin an id.
const name = fc.constantFrom("v", "w", "x", "y", "z");
const container = fc.integer({ min: 0, max: 2 });
const ip = fc.constantFrom("10.1.0.2", "10.1.0.3", "10.2.0.1", "10.3.0.2");
const invalid = fc.constantFrom(
  ["service", "publish", "a.b.c.d"],
  ["service", "publish", "-x"],
  ["service", "attach", "c0", "a b.red"],
  ["service", "attach", "--interface", "../x", "c0", "v.red"],
  ["network", "create", "--subnet", "10.1.0.1/24", "red"],
  ["network", "rm", "red;id"],
  ["service", "publish", "--ip", "10.1.0", "v.red"],
);

const commands = [
  network.map(
    (of) => new Command(["network", "create", "--subnet", SUBNETS[of]?.cidr ?? "", of], (model) => model.create(of)),
  ),
  network.map((of) => new Command(["network", "rm", of], (model) => model.remove(of))),
  fc
    .tuple(name, network)
    .map(([own, of]) => new Command(["service", "publish", `${own}.${of}`], (model) => model.publish(own, of))),
  fc
    .tuple(name, network, ip)
    .map(
      ([own, of, at]) =>
        new Command(["service", "publish", "--ip", at, `${own}.${of}`], (model) => model.publish(own, of, at)),
    ),
  fc
    .tuple(name, network, fc.boolean())
    .map(
      ([own, of, force]) =>
        new Command(["service", "unpublish", ...(force ? ["-f"] : []), `${own}.${of}`], (model) =>
          model.unpublish(own, of, force),
        ),
    ),
  fc
    .tuple(container, name, network)
    .map(
      ([at, own, of]) =>
        new Command(["service", "attach", `c${at}`, `${own}.${of}`], (model) => model.attach(at, own, of)),
    ),
  fc
    .tuple(container, name, network)
    .map(
      ([at, own, of]) =>
        new Command(["service", "attach", "--publish", `c${at}`, `${own}.${of}`], (model) =>
          model.attachNew(at, own, of),
        ),
    ),
  fc
    .tuple(fc.option(container, { nil: undefined }), name, network)
    .map(
      ([at, own, of]) =>
        new Command(["service", "detach", ...(at === undefined ? [] : [`c${at}`]), `${own}.${of}`], (model) =>
          model.detach(at, own, of),
        ),
    ),
  invalid.map((words) => new Command(words, () => 2)),
];

test("whatever is asked for, the answers, the store and the kernel are as the rules say", async () => {
  const seed = process.env["CALICO_TEST_SEED"];
  await fc.assert(
    fc
      .asyncProperty(fc.commands(commands, { maxCommands: 60, size: "max" }), async (sequence) => {
        await fc.asyncModelRun(() => ({ model: new Model(), real: world }), sequence);
        expect(await world.resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
      })
      .afterEach(clear),
    { numRuns: 8, endOnFailure: true, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  );
}, 180_000);

/** Back to an empty store and the host as it was. */
async function clear(): Promise<void> {
  const { host, resident } = world;
  const ids = async (noun: string): Promise<string[]> =>
    (await resident.must(noun, "ls", "-o", "name")).split("\n").filter((line) => line !== "");
  for (const service of await ids("service")) await resident.must("service", "unpublish", "-f", service);
  for (const of of await ids("network")) await resident.must("network", "rm", of);
  await resident.must("pool", "rm", "--ignore", "192.168.0.0/16");
  expect([...(await storeKeys(host)).keys()]).toEqual([]);
  expect(await host.snapshot()).toBe(untouched);
}
