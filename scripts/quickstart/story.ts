import { api, backend, frontend, type Role, roles, serviceOf, web } from "./cast.ts";
import { ask, CommandFailed, type } from "./command.ts";
import { type Container, reaches, reference, start } from "./containers.ts";
import { fail, heading, pass } from "./terminal.ts";

/** Addresses by service. */
type Addresses = ReadonlyMap<string, string>;

/** The main job, from containers without a network to a checked host; how many checks failed. */
export async function tell(containers: readonly Container[]): Promise<number> {
  heading("Containers, each without a network");
  for (const container of containers) await start(container);

  heading("Two networks");
  for (const { name, subnet } of [frontend, backend])
    await type("calicoctl", "network", "create", "--subnet", subnet, name);

  heading("A service for each container, and the containers attached to them");
  for (const role of roles(containers)) {
    await type("calicoctl", "service", "publish", serviceOf(role));
    await type("calicoctl", "service", "attach", reference(role.container), serviceOf(role));
  }

  heading("What there is now");
  for (const noun of ["network", "service", "endpoint"]) await type("calicoctl", noun, "ls");
  await type("calicoctl", "ipam", "show");

  let failures = await checkReach(containers);

  heading("Detached, it reaches nobody; its service keeps the address, and attached again it is back");
  const webFront = { container: web, network: frontend };
  const apiFront = { container: api, network: frontend };
  const addresses = await readAddresses();
  await type("calicoctl", "service", "detach", serviceOf(webFront));
  failures += await expectReach(web, apiFront, addresses, false);
  await type("calicoctl", "service", "attach", reference(web), serviceOf(webFront));
  failures += await expectReach(web, apiFront, addresses, true);

  heading("Store and kernel agree");
  await type("calicoctl", "check");
  pass("nothing to repair");
  return failures;
}

async function checkReach(containers: readonly Container[]): Promise<number> {
  const all = roles(containers);
  const addresses = await readAddresses();
  const others = (from: Container): Role[] => all.filter(({ container }) => container !== from);
  const networksOf = (container: Container): string[] =>
    all.filter((role) => role.container === container).map(({ network }) => network.name);
  let failures = 0;

  heading("Inside a network, everybody reaches everybody, by ping and TCP");
  for (const from of containers)
    for (const to of others(from).filter(({ network }) => networksOf(from).includes(network.name)))
      failures += await expectReach(from, to, addresses, true);

  heading("Across networks, nobody reaches anybody");
  const apart = containers.flatMap((from) =>
    others(from)
      .filter(({ network }) => !networksOf(from).includes(network.name))
      .map((to) => expectReach(from, to, addresses, false)),
  );
  for (const failed of await Promise.all(apart)) failures += failed;
  return failures;
}

/** One check with its verdict; 1 if it failed, else 0. */
async function expectReach(from: Container, to: Role, addresses: Addresses, expected: boolean): Promise<0 | 1> {
  const service = serviceOf(to);
  const address = addresses.get(service);
  if (address === undefined) throw new CommandFailed(`calicoctl service ls: does not list ${service}`);
  const { ping, tcp } = await reaches(from, address);
  const found = `ping ${ping ? "answered" : "unanswered"}, TCP ${tcp ? "connected" : "not connected"}`;
  const verdict = `${from.name} ${expected ? "reaches" : "does not reach"} ${service} (${address})`;
  if (ping === expected && tcp === expected) {
    pass(`${verdict}: ${found}`);
    return 0;
  }
  fail(`${verdict}: ${found}`);
  return 1;
}

async function readAddresses(): Promise<Addresses> {
  const text = await ask("calicoctl", "service", "ls", "--output", "json");
  const { items } = JSON.parse(text ?? '{"items":[]}') as { items: Service[] };
  return new Map(items.map(({ name, network, addresses }) => [`${name}.${network}`, addresses[0] ?? ""]));
}

/** The fields of `service ls --output json` that are read here. */
interface Service {
  readonly name: string;
  readonly network: string;
  readonly addresses: readonly string[];
}
