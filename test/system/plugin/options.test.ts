/** What people ask of Docker for a network and for a container, and what comes of it. */
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { must, until, type Ended } from "../../helpers/process.ts";
import { makeDockerWorld, type DockerWorld, type Service } from "./world.ts";

let world: DockerWorld;
beforeAll(async () => {
  world = await makeDockerWorld();
  await world.startNode();
});
afterAll(async () => {
  await world?.close();
});

const networks: string[] = [];
const containers: string[] = [];
afterEach(async () => {
  const { docker, resident } = world;
  if (containers.length > 0) await docker.docker("rm", "--force", ...containers.splice(0));
  if (networks.length > 0) await docker.docker("network", "rm", ...networks.splice(0));
  // Nothing of it is left: no network, no address, no interface.
  await until("all of it is gone", async () => (await resident.must("service", "ls", "--quiet")) === "");
  const left = await resident.must("network", "ls", "--quiet");
  if (left !== "") throw new Error(`networks are left: ${left}`);
  await resident.must("check");
});

const docker = (...args: string[]): Promise<string> => world.docker.docker(...args);

async function network(name: string, ...options: string[]): Promise<void> {
  await docker("network", "create", "-d", "calico", "--ipam-driver", "calico-ipam", ...options, name);
  networks.push(name);
  const isNamed = async (): Promise<boolean> => !(await world.resident.must("network", "ls")).includes("docker-");
  await until("its name is known", isNamed);
}

async function container(name: string, ...options: string[]): Promise<void> {
  containers.push(name);
  await world.run(...options, name);
}

async function service(name: string): Promise<Service> {
  let found: Service | undefined;
  await until(`${name} is attached`, async () => {
    found = (await world.services()).get(name);
    return found?.attachment !== undefined && found.attachment !== null;
  });
  if (!found) throw new Error(`no service ${name}`);
  return found;
}

const ip = async (inside: string, ...command: string[]): Promise<string> =>
  (await world.exec(inside, "ip", ...command)).stdout;

const pings = async (from: string, to: string): Promise<boolean> =>
  (await world.exec(from, "ping", "-c", "1", "-W", "1", to)).code === 0;

const refused = async (...args: string[]): Promise<string> =>
  docker(...args).then(
    () => "not refused",
    (error: Error) => error.message,
  );

test("subnet, range, gateway and auxiliary addresses are those of the network's own pool", async () => {
  const range = ["--subnet", "10.20.0.0/24", "--ip-range", "10.20.0.8/30", "--gateway", "10.20.0.9"];
  await network("net", ...range, "--aux-address", "router=10.20.0.10", "--label", "a=b");
  expect(await world.resident.json("pool", "ls")).toMatchObject({
    items: [
      { cidr: "10.20.0.0/24", ipRange: "10.20.0.8/30", gateway: "10.20.0.9", reserved: ["10.20.0.10"], network: "net" },
    ],
  });
  await container("one", "--network", "net");
  expect((await service("one.net")).addresses).toEqual(["10.20.0.8"]);
  await container("two", "--network", "net", "--ip", "10.20.0.77");
  expect((await service("two.net")).addresses).toEqual(["10.20.0.77"]);
  expect(await refused("run", "--network", "net", "--ip", "10.20.0.77", world.docker.image, "true")).toMatch(
    /address 10.20.0.77 is in use/,
  );
  expect(await refused("run", "--network", "net", "--ip", "10.20.0.10", world.docker.image, "true")).toMatch(
    /is reserved/,
  );
  await docker("container", "prune", "--force");
  expect(await pings("one", "10.20.0.77")).toBe(true);
});

test("a network with the shared pools can be made while containers have addresses of them", async () => {
  await network("net");
  await container("first", "--network", "net");
  const { addresses } = await service("first.net");
  await network("later");
  await container("second", "--network", "later");
  expect(await world.host.exec(["ip", "route", "show", addresses[0] ?? ""])).toMatchObject({
    stdout: expect.stringContaining("dev cali"),
  });
  expect((await service("second.later")).addresses).toHaveLength(1);
});

test("two networks with one pool, and a container on several networks", async () => {
  await network("red");
  await network("blue");
  await network("own", "--subnet", "10.30.0.0/16");
  await container("both", "--network", "red");
  await container("red", "--network", "red");
  await container("blue", "--network", "blue");
  await container("own", "--network", "own");
  const [red, blue, own] = await Promise.all(["red.red", "blue.blue", "own.own"].map(service));
  const addresses = [red, blue, own].map((one) => one?.addresses[0] ?? "");
  const reach = async (): Promise<boolean[]> => Promise.all(addresses.map((address) => pings("both", address)));
  expect(await reach()).toEqual([true, false, false]);
  await docker("network", "connect", "blue", "both");
  await docker("network", "connect", "own", "both");
  await service("both.blue");
  await service("both.own");
  await until("it reaches all", async () => (await reach()).every(Boolean));
  // Its gateway leaves, and another takes its place.
  await docker("network", "disconnect", "red", "both");
  await until("its service is gone", async () => !(await world.services()).has("both.red"));
  await until("the others stay", async () => (await reach()).join() === "false,true,true");
  expect(await ip("both", "route", "show", "default")).toContain("via 169.254.1.1");
  expect(await pings("red", addresses[1] ?? "")).toBe(false);
});

test("an internal network leads nowhere else, dual stack everywhere", async () => {
  await network("vault", "--internal", "--ipv6");
  await container("one", "--network", "vault");
  await container("two", "--network", "vault", "--network-alias", "second");
  await service("one.vault");
  const { addresses, aliases } = await service("two.vault");
  expect(addresses).toHaveLength(2);
  expect(aliases).toEqual(["second"]);
  for (const address of addresses) await until(`it answers at ${address}`, () => pings("one", address));
  expect(await pings("one", "two")).toBe(true);
  expect(await pings("one", "second")).toBe(true);
  expect(await ip("one", "route")).not.toContain("default");
  expect(await pings("one", "203.0.113.1")).toBe(false);
});

test("a container has the MAC address that is asked for, and its service too", async () => {
  await network("net");
  const [cli = ""] = (await must(["which", "-a", "docker"])).split("\n").toReversed();
  const { image, host } = world.docker;
  const words = ["run", "--detach", "--name", "mac", "--network", "net", "--mac-address", "02:00:00:00:00:55"];
  containers.push("mac");
  await must([cli, "--host", host, ...words, "--stop-signal", "KILL", image, "sleep", "1d"]);
  expect((await service("mac.net")).mac).toBe("02:00:00:00:00:55");
  expect(await ip("mac", "link", "show", "eth0")).toContain("02:00:00:00:00:55");
});

test("Docker's network is the one of ours that it names, which stays when Docker lets go of it", async () => {
  const { resident } = world;
  const id = await resident.must("network", "create", "--subnet", "10.40.0.0/16", "ours");
  await network("theirs", "--subnet", "10.40.0.0/16", "--opt", "calico.network=ours");
  await container("one", "--network", "theirs");
  expect((await service("one.ours")).addresses[0]).toMatch(/^10\.40\./);
  const again = ["network", "create", "-d", "calico", "--opt", "calico.network=ours"];
  expect(await refused(...again, "again")).toMatch(/has no subnet .* --ipam-driver calico-ipam/);
  const withSubnet = ["--ipam-driver", "calico-ipam", "--subnet", "10.40.0.0/16"];
  expect(await refused(...again, ...withSubnet, "again")).toMatch(/Docker has network ours already/);
  await docker("rm", "--force", ...containers.splice(0));
  await docker("network", "rm", ...networks.splice(0));
  expect(await resident.must("network", "ls", "--quiet", "--no-trunc")).toBe(id);
  await resident.must("network", "rm", "ours");
});

test("a published service is run with its own address; what it is attached to already is refused", async () => {
  const { resident, host } = world;
  await network("net");
  await resident.must("service", "publish", "db.net");
  const published = (await world.services()).get("db.net");
  const env = await world.commandEnv();
  const run = (...words: string[]): Promise<Ended> =>
    host.calicoctl(["run", "--publish-service", "db.net", ...words], { env });
  containers.push("db", "again");
  const words = ["--detach", "--stop-signal", "KILL", "--name"];
  expect(await run(...words, "db", world.docker.image, "sleep", "1d")).toMatchObject({ code: 0, stderr: "" });
  expect(await service("db.net")).toMatchObject({ id: published?.id, addresses: published?.addresses });
  expect(await run(...words, "again", world.docker.image, "true")).toMatchObject({ code: 4 });
  containers.pop();
  // The container's name is not the service's, which was there before.
  await docker("rename", "db", "another");
  await network("later");
  await until("what Docker tells has come so far", async () =>
    (await resident.must("network", "ls")).includes("later"),
  );
  expect([...(await world.services()).keys()]).toEqual(["db.net"]);
  await docker("rename", "another", "db");
  await docker("restart", "--time", "0", "db");
  expect(await service("db.net")).toMatchObject({ id: published?.id, addresses: published?.addresses });
  await docker("rm", "--force", ...containers.splice(0));
  await until("it is free", async () => (await resident.calicoctl("service", "unpublish", "db.net")).code === 0);
});

test("the exit code, the standard streams and the options are the container's", async () => {
  const {
    host,
    docker: { image, host: DOCKER_HOST },
  } = world;
  await network("net");
  const ran = await host.calicoctl(
    ["run", "--rm", "-i", "--publish-service=job.net", image, "sh", "-c", "cat; echo $0 >&2; exit 7", "$(id) -o"],
    { env: { DOCKER_HOST }, stdin: "said" },
  );
  expect(ran).toMatchObject({ code: 7, stdout: "said", stderr: "$(id) -o" });
});

test("its signals and its terminal are the container's", async () => {
  const {
    host,
    docker: { image, host: DOCKER_HOST },
  } = world;
  await network("net");
  const waits = 'trap "exit 9" TERM; echo ready; while true; do sleep 0.1; done';
  const publish = ["run", "--rm", "--publish-service=job.net"];
  containers.push("waits");
  const running = host.startCalicoctl([...publish, "--name", "waits", image, "sh", "-c", waits], {
    env: { DOCKER_HOST },
    timeout: 0,
  });
  await until("it is ready", async () => (await docker("logs", "waits").catch(() => "")) === "ready");
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 9, stdout: "ready" });
  containers.pop();
  const asks = "test -t 0 && test -t 1 && echo a terminal";
  const words = [...publish, "--interactive", "--tty", image, "sh", "-c", `'${asks}'`].join(" ");
  const { stdout } = await host.exec(
    ["script", "--quiet", "--return", "--command", `bin/calicoctl ${words}`, "/dev/null"],
    {
      env: { ...host.env, DOCKER_HOST },
    },
  );
  // The terminal shows the end of script's own input as ^@, wherever that comes.
  expect(stdout.replaceAll("^@", "").trim()).toBe("a terminal");
});

test("a renamed container renames its service", async () => {
  await network("net");
  await container("before", "--network", "net");
  await service("before.net");
  await docker("rename", "before", "after.all");
  containers.splice(0, 1, "after.all");
  expect(await service("after-all.net")).toMatchObject({ attachment: { interface: "eth0" } });
});

test("Docker connects a container that calicoctl has attached beside it", async () => {
  await network("red");
  await network("blue");
  await container("one", "--network", "red");
  await service("one.red");
  const {
    host,
    resident,
    docker: { host: DOCKER_HOST },
  } = world;
  const attach = ["service", "attach", "--publish", "one", "beside.green.calico"];
  expect(await host.calicoctl(attach, { env: { DOCKER_HOST } })).toMatchObject({ code: 0 });
  await docker("network", "connect", "blue", "one");
  expect((await service("one.blue")).attachment?.interface).toBe("net0");
  expect((await service("beside.green")).attachment?.interface).toBe("eth1");
  await resident.must("service", "unpublish", "--force", "beside.green");
  await resident.must("network", "rm", "green");
});
