import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { exec, ping, tcp } from "../../helpers/container.ts";
import { INTERNET, makeHost, UPLINK, type Host } from "../../helpers/host.ts";

describe("a host made for a test", () => {
  let host: Host;
  beforeAll(async () => {
    host = await makeHost();
  });
  afterAll(() => host.close());

  test("reaches its internet by ping and TCP, from its own address", async () => {
    expect(await ping(host, INTERNET.address)).toBe(true);
    expect(await tcp(host, INTERNET.address)).toBe(UPLINK.address);
    expect(await ping(host, INTERNET.address6)).toBe(true);
    expect(await tcp(host, INTERNET.address6)).toBe(UPLINK.address6);
  });

  test("has etcd on its loopback", async () => {
    const { stdout } = await host.exec(["busybox", "wget", "-q", "-O", "-", `${host.etcd.endpoint}/health`]);
    expect(stdout).toContain('"health":"true"');
  });

  test("has containers that reach nothing", async () => {
    const container = await host.container();
    expect(await tcp(container, "127.0.0.1")).toBe("127.0.0.1");
    expect(await tcp(container, INTERNET.address)).toBeUndefined();
    const { stdout } = await exec(container, ["busybox", "readlink", `/proc/${container.pid}/ns/net`]);
    expect(stdout).toBe((await exec(container, ["busybox", "readlink", "/proc/self/ns/net"])).stdout);
  });

  test("has a snapshot that changes with its network alone", async () => {
    const before = await host.snapshot();
    await ping(host, INTERNET.address);
    expect(await host.snapshot()).toBe(before);
    await host.exec(["ip", "route", "add", "192.0.2.0/24", "via", "198.51.100.1"]);
    expect(await host.snapshot()).toContain("192.0.2.0/24 via 198.51.100.1");
    await host.exec(["ip", "route", "delete", "192.0.2.0/24"]);
    expect(await host.snapshot()).toBe(before);
  });
});

test("a closed host leaves nothing behind", async () => {
  const host = await makeHost();
  const container = await host.container();
  await host.close();
  await host.close();
  for (const place of [host, host.internet, container]) expect(existsSync(`/run/netns/${place.namespace}`)).toBe(false);
  expect(existsSync(`/proc/${container.pid}`)).toBe(false);
  expect(existsSync(host.folder)).toBe(false);
});
