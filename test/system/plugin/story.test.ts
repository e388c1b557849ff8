/** The main job: networks and containers of Docker's, and services beside them, on one host. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { until } from "../../helpers/process.ts";
import { makeDockerWorld, type DockerWorld } from "./world.ts";

let world: DockerWorld;
beforeAll(async () => {
  world = await makeDockerWorld();
  await world.startNode();
});
afterAll(async () => {
  await world?.close();
});

const pings = async (from: string, address: string): Promise<boolean> =>
  (await world.exec(from, "ping", "-c", "1", "-W", "2", address)).code === 0;

test("a network of Docker's is one of ours, by the name that people gave it", async () => {
  const { docker, resident } = world;
  await docker.docker("network", "create", "-d", "calico", "--ipam-driver", "calico-ipam", "net1");
  await until("its name is known", async () => (await resident.must("network", "ls")).includes("net1"));
});

test("its containers reach each other, and appear with their names", async () => {
  await world.run("--network", "net1", "workload-A");
  await world.run("--network", "net1", "workload-B");
  await until("both are attached", async () => {
    const services = await world.services();
    return ["workload-A.net1", "workload-B.net1"].every(
      (name) => services.get(name)?.attachment?.containerName !== undefined,
    );
  });
  const b = (await world.services()).get("workload-B.net1")?.addresses[0] ?? "";
  expect(await pings("workload-A", b)).toBe(true);
  expect(await pings("workload-A", "workload-B")).toBe(true);
  expect(await world.resident.must("check")).toBe("");
});
