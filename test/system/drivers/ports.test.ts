/** Published ports: who gets by a port of the host to a container, and who does not. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { exec, tcp, type Container } from "../../helpers/container.ts";
import { INTERNET, UPLINK, makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";

let host: Host;
let resident: Resident;
let web: Container;
let other: Container;
let away: Container;
let untouched: string;
/** The host itself, and a neighbour beyond its uplink. */
let self: { readonly namespace: string };
let internet: Container;
const NEIGHBOUR = { ip: "198.51.100.1", ip6: "2001:db8:1::1" };

beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  [web, other, away] = [await host.container(), await host.container(), await host.container()];
  self = { namespace: host.namespace };
  internet = host.internet;
  untouched = await host.snapshot();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "--subnet", "fd00:1::/64", "a");
  await resident.must("network", "create", "--subnet", "10.2.0.0/24", "--subnet", "fd00:2::/64", "b");
  await resident.must("network", "create", "--subnet", "10.3.0.0/24", "--internal", "inner");
});
afterAll(async () => {
  await resident.close();
  await host.close();
});
/** After each story the host is as it was found. */
afterEach(async () => {
  const services = (await resident.must("service", "ls", "-o", "name")).split("\n").filter((name) => name !== "");
  if (services.length > 0) await resident.must("service", "unpublish", "--force", ...services);
  expect(await host.snapshot()).toBe(untouched);
});

const attach = (container: Container, service: string, ...ports: string[]): Promise<Attached> =>
  attachNew(resident, container, service, ...ports.flatMap((port) => ["--port", port]));

/** Sends a line by UDP to a container's echo, and answers what comes back. */
async function udp(from: { readonly namespace: string }, address: string, port: number): Promise<string> {
  return (await exec(from, ["busybox", "nc", "-u", "-w", "1", address, String(port)], { stdin: "hello\n" })).stdout;
}

const nft = (...words: string[]): Promise<string> => must(["nft", ...words], { namespace: host.namespace });

describe("a port of the host", () => {
  test("leads to the container from everywhere, by both families, and nobody's address is lost on the way", async () => {
    const { ip, ip6 = "" } = await attach(web, "web.a", "8080:80");
    const { ip: otherIp, ip6: otherIp6 } = await attach(other, "other.b");
    await attach(away, "away.a");
    expect(await tcp(internet, UPLINK.address, 8080)).toBe(NEIGHBOUR.ip);
    expect(await tcp(internet, UPLINK.address6, 8080)).toBe(NEIGHBOUR.ip6);
    expect(await tcp(other, UPLINK.address, 8080)).toBe(otherIp);
    expect(await tcp(other, UPLINK.address6, 8080)).toBe(otherIp6);
    expect(await tcp(away, UPLINK.address, 8080)).toBe("10.1.0.2");
    // From the host, and from the container itself, it comes from an address of the host.
    expect(await tcp(self, UPLINK.address, 8080)).toBe(UPLINK.address);
    expect(await tcp(self, UPLINK.address6, 8080)).toBe(UPLINK.address6);
    expect(await tcp(self, "127.0.0.1", 8080)).toBe(UPLINK.address);
    expect(await tcp(web, UPLINK.address, 8080)).toBe(UPLINK.address);
    expect(await tcp(web, UPLINK.address6, 8080)).toBe(UPLINK.address6);
    expect(await tcp(self, "::1", 8080)).toBeUndefined();
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });
});
