/** Our own plugin, driven by our own client: a second calicoctl on the host, with another store, takes it for anybody's. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startEtcd } from "../../helpers/etcd.ts";
import { ping } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { type Ended, type Running, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";

let host: Host;
let resident: Resident;
let node: Running;
let other: Awaited<ReturnType<typeof startEtcd>>;
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  mkdirSync(join(host.folder, "other"));
  other = await startEtcd({ folder: join(host.folder, "other") });
  const directory = join(host.folder, "sockets");
  const options = ["--detach=false", "--etcd=external", "--libnetwork", "--plugin-dir", directory];
  node = host.startCalicoctl(["node", "start", ...options], { timeout: 0 });
  await until("the node is ready", async () => (await resident.calicoctl("status")).code === 0);
  const specs = join(host.folder, "root", "etc/docker/plugins");
  mkdirSync(specs, { recursive: true });
  writeFileSync(join(specs, "own.spec"), `unix://${join(directory, "calico.sock")}\n`);
  writeFileSync(join(specs, "own-ipam.spec"), `unix://${join(directory, "calico-ipam.sock")}\n`);
});
afterAll(async () => {
  node?.kill("SIGTERM");
  await node?.ended;
  await resident?.close();
  await other?.stop();
  await host?.close();
});

/** The client: it knows nothing of the plugin's store. */
const client = (...args: string[]): Promise<Ended> =>
  host.calicoctl(args, {
    env: {
      ETCD_ENDPOINTS: other.endpoint,
      CALICO_STATE_DIR: join(host.folder, "client"),
      CALICO_NODENAME: "client",
      CALICO_PLUGIN_ROOT: join(host.folder, "root"),
    },
  });

test("it gives networks and addresses to a client that does not know it", async () => {
  const [one, two] = [await host.container(), await host.container()];
  const before = await host.snapshot();
  const create = ["network", "create", "-d", "own", "--ipam-driver", "own-ipam", "--ipam-opt", "a=b"];
  expect(await client(...create, "--subnet", "10.60.0.0/16", "mesh")).toMatchObject({ code: 0, stderr: "" });
  for (const [name, container] of [
    ["one", one],
    ["two", two],
  ] as const)
    expect(await client("service", "attach", "--publish", `pid:${container.pid}`, `${name}.mesh`)).toMatchObject({
      code: 0,
      stderr: "",
    });
  const { items } = JSON.parse((await client("service", "ls", "-o", "json")).stdout) as {
    items: { name: string; addresses: string[] }[];
  };
  const address = items.find(({ name }) => name === "two")?.addresses[0] ?? "";
  expect(address).toMatch(/^10\.60\./);
  expect(await ping(one, address)).toBe(true);
  // The plugin's own side knows them by the client's ids.
  expect((await resident.must("service", "ls", "--quiet")).split("\n")).toHaveLength(2);
  for (const name of ["one", "two"])
    expect(await client("service", "unpublish", "--force", `${name}.mesh`)).toMatchObject({ code: 0, stderr: "" });
  expect(await client("network", "rm", "mesh")).toMatchObject({ code: 0, stderr: "" });
  expect(await resident.must("network", "ls", "--quiet")).toBe("");
  expect(await client("check")).toMatchObject({ code: 0, stdout: "" });
  await until("the host is as it was", async () => (await host.snapshot()) === before);
});
