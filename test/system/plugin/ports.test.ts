/** Ports that Docker publishes: on the host's addresses and from the host itself, and on the network that leads out. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { UPLINK } from "../../helpers/host.ts";
import { until, type Ended } from "../../helpers/process.ts";
import { makeDockerWorld, type DockerWorld } from "./world.ts";

let world: DockerWorld;
beforeAll(async () => {
  world = await makeDockerWorld();
  await world.startNode();
  const create = ["network", "create", "-d", "calico", "--ipam-driver", "calico-ipam"];
  for (const name of ["net1", "net2"]) await world.docker.docker(...create, name);
  await world.docker.docker(...create, "--internal", "vault");
});
afterAll(async () => {
  await world?.close();
});

const docker = (...args: string[]): Promise<string> => world.docker.docker(...args);

async function serve(name: string, ...options: string[]): Promise<void> {
  const words = ["--detach", "--stop-signal", "KILL", "--name", name, ...options];
  await docker("run", ...words, world.docker.image, "httpd", "-f", "-p", "80");
}

/** What answers by HTTP at the address: a server without pages says 404. */
async function answers(where: string): Promise<boolean> {
  const { stdout } = await world.host.exec([
    "curl",
    "--silent",
    "--max-time",
    "2",
    "--output",
    "/dev/null",
    "--write-out",
    "%{http_code}",
    `http://${where}/`,
  ]);
  return stdout === "404";
}

interface Attached {
  readonly ports: readonly object[] | null;
  readonly attachment: object | null;
}

async function portsOf(name: string): Promise<Attached["ports"]> {
  const { items } = (await world.resident.json("service", "info", name)) as { items: Attached[] };
  return items[0]?.ports ?? null;
}

const refused = (...args: string[]): Promise<string> =>
  docker(...args).then(
    () => "",
    (error: Error) => error.message,
  );

test("a published port leads to the container, from the host's address and from loopback", async () => {
  await serve("web", "--network", "net1", "-p", "8080:80", "-p", "127.0.0.1:8081:80/tcp");
  await until("it answers at loopback", () => answers("127.0.0.1:8080"));
  expect(await answers(`${UPLINK.address}:8080`)).toBe(true);
  expect([await answers("127.0.0.1:8081"), await answers(`${UPLINK.address}:8081`)]).toEqual([true, false]);
  const ports = (await portsOf("web.net1")) ?? [];
  expect(ports).toHaveLength(2);
  expect(ports).toContainEqual(expect.objectContaining({ proto: "tcp", hostPort: 8080, port: 80 }));
  expect(ports).toContainEqual(
    expect.objectContaining({ proto: "tcp", hostIp: "127.0.0.1", hostPort: 8081, port: 80 }),
  );
  expect(await world.resident.must("check")).toBe("");
});

test("a port that is taken is refused, by Docker too, and nothing of the container is left", async () => {
  expect(
    await refused("run", "--name", "other", "--network", "net1", "-p", "8080:80", world.docker.image, "true"),
  ).toMatch(/port 8080:80\/tcp is taken, by web/);
  await docker("rm", "other");
  await until("its service is gone", async () => [...(await world.services()).keys()].join() === "web.net1");
});

test("a port of Docker's choice, and one of a range", async () => {
  await serve("any", "--network", "net2", "-p", "80", "-p", "8080-8082:81/udp");
  await until("its name is known", async () => (await world.services()).has("any.net2"));
  const ports = (await portsOf("any.net2")) as { proto: string; hostPort: number; port: number }[];
  // The first of the range is taken for TCP alone.
  expect(ports).toContainEqual(expect.objectContaining({ proto: "udp", hostPort: 8080, port: 81 }));
  const { hostPort } = ports.find(({ proto }) => proto === "tcp") ?? { hostPort: 0 };
  expect(hostPort).toBeGreaterThanOrEqual(49_153);
  await until("it answers", () => answers(`127.0.0.1:${hostPort}`));
  await docker("rm", "--force", "any");
});

test("the ports go over to the network that leads out next, and an internal one publishes none", async () => {
  await docker("network", "connect", "net2", "web");
  await docker("network", "disconnect", "net1", "web");
  await until("its ports are the other endpoint's", async () => (await portsOf("web.net2"))?.length === 2);
  await until("it answers again", () => answers(`${UPLINK.address}:8080`));
  await docker("rm", "--force", "web");
  await serve("inside", "--network", "vault", "-p", "8080:80");
  await until("its name is known", async () => (await world.services()).has("inside.vault"));
  expect(await portsOf("inside.vault")).toEqual([]);
  await docker("rm", "--force", "inside");
});

test("ports that a person published are the service's, however often a container with it stops", async () => {
  const { host, resident } = world;
  await resident.must("service", "publish", "--port", "8090:80", "shop.net1");
  const env = await world.commandEnv();
  const words = ["--detach", "--stop-signal", "KILL", "--name", "shop", world.docker.image, "httpd", "-f", "-p", "80"];
  const run = await host.calicoctl(["run", "--publish-service", "shop.net1", ...words], { env });
  expect(run).toMatchObject({ code: 0 });
  await until("it answers", () => answers("127.0.0.1:8090"));
  await docker("restart", "--time", "0", "shop");
  await until("it answers again", () => answers("127.0.0.1:8090"));
  await docker("rm", "--force", "shop");
  await until("nobody answers", async () => !(await answers("127.0.0.1:8090")));
  expect(await portsOf("shop.net1")).toEqual([expect.objectContaining({ hostPort: 8090, port: 80 })]);
  await until("it is free", async () => (await resident.calicoctl("service", "unpublish", "shop.net1")).code === 0);
});

test("they come back with the container and after the node was killed; and when it goes, so do they", async () => {
  await serve("web", "--network", "net1", "-p", "8080:80", "--restart", "always");
  await until("it answers", () => answers("127.0.0.1:8080"));
  await world.endNode("SIGKILL");
  expect(await answers("127.0.0.1:8080")).toBe(true);
  await world.startNode();
  await docker("restart", "--time", "0", "web");
  await until("it answers again", () => answers(`${UPLINK.address}:8080`));
  await docker("rm", "--force", "web");
  expect(await answers("127.0.0.1:8080")).toBe(false);
  const nothing: Ended = await world.resident.calicoctl("service", "ls", "--quiet");
  expect(nothing.stdout).toBe("");
  expect(await world.resident.must("check")).toBe("");
});
