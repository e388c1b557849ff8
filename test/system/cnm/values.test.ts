/** Values of the store that were written by other hands. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ping } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { setKeys, storeKeys } from "../../helpers/state.ts";
import { attachNew } from "./services.ts";

const ROOT = "/calico/cnm/v1/";

let host: Host;
let resident: Resident;

beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
});
afterEach(async () => {
  await resident.close();
  await host.close();
});

async function keyBelow(prefix: string): Promise<[key: string, value: Record<string, unknown>]> {
  const [found] = await storeKeys(host, `${ROOT}${prefix}`);
  if (!found) throw new Error(`nothing below ${prefix}`);
  return [found[0], JSON.parse(found[1]) as Record<string, unknown>];
}

const put = (key: string, value: unknown): Promise<void> =>
  setKeys(host, [[key, typeof value === "string" ? value : JSON.stringify(value)]]);

test("names are not taken for the beginnings of ids", async () => {
  await resident.must("network", "create", "net");
  await resident.must("service", "publish", "web.net");
  const [, network] = await keyBelow("networks/");
  const [endpointKey, endpoint] = await keyBelow("endpoints/");
  for (const end of ["1", "2"]) {
    const id = `db${"0".repeat(61)}${end}`;
    await put(`${ROOT}networks/${id}`, { ...network, id, name: `n${end}` });
    await put(endpointKey.replace(/[^/]*$/, id), { ...endpoint, id, name: `s${end}` });
  }
  expect(await resident.calicoctl("network", "create", "db")).toMatchObject({ code: 0, stderr: "" });
  expect(await resident.calicoctl("service", "publish", "db.net")).toMatchObject({ code: 0, stderr: "" });
});

test("a pool, a block and a sandbox that make no sense are passed over", async () => {
  const container = await host.container();
  await attachNew(resident, container, "web.net");
  const [poolKey, pool] = await keyBelow("ipam/pools/");
  await put(poolKey.replace(/[^/]*$/, "0a090000-24"), { ...pool, cidr: "10.9.0.0/24", ipRange: "fd00::/64" });
  const [blockKey] = await keyBelow("ipam/blocks/");
  await put(blockKey, '{"v":2}');
  const [sandboxKey, sandbox] = await keyBelow("sandboxes/");
  const id = "f".repeat(64);
  await put(sandboxKey.replace(/[^/]*$/, id), {
    ...sandbox,
    id,
    namespace: { path: "/a\0b", inode: "1", cookie: "1" },
  });
  await resident.must("service", "publish", "next.net");
  await resident.must("sandbox", "ls");
  const { code, stdout } = await resident.calicoctl("check");
  expect(code).toBe(6);
  expect(stdout.split("\n").filter((line) => line.includes("cannot be read"))).toHaveLength(3);
});

test("a warning about a key cannot move the cursor of a terminal", async () => {
  await put(`${ROOT}networks/\u001b]0;owned\u0007`, "{}");
  const { code, stderr } = await host.calicoctl(["network", "ls"]);
  expect(code).toBe(0);
  expect(stderr).toContain("\\u001b]0;owned\\u0007");
  expect(stderr).not.toContain("\u001b");
});

test("completion offers no word that a shell would take for more", async () => {
  await resident.must("network", "create", "net");
  const [key, network] = await keyBelow("networks/");
  await put(key, { ...network, name: "$(reboot)" });
  expect(await resident.calicoctl("__complete", "--", "network", "info", "")).toMatchObject({ code: 0, stdout: "" });
});

test("an endpoint and a sandbox that do not name each other are told and put right", async () => {
  const container = await host.container();
  await attachNew(resident, container, "web.net");
  await attachNew(resident, container, "db.net");
  const [key, sandbox] = await keyBelow("sandboxes/");
  const [web] = sandbox["endpoints"] as object[];
  await put(key, { ...sandbox, endpoints: [web, { ...web, endpointId: "e".repeat(64) }] });
  const { stdout } = await resident.calicoctl("check");
  expect(stdout).toContain("is attached to a sandbox that does not have it on record");
  expect(stdout).toContain("names 1 endpoints that are not attached to it");
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  await resident.must("service", "attach", container.ref, "db.net");
});

test.each(["networks/", "endpoints/", "sandboxes/"])(
  "endpoints stand though a record below %s cannot be read",
  async (prefix) => {
    const [container, peer] = await Promise.all([host.container(), host.container()]);
    const { ip } = await attachNew(resident, container, "web.net");
    const [key, value] = await keyBelow(prefix);
    await attachNew(resident, peer, "peer.net");
    await put(key, { ...value, v: 2 });
    const { code, stdout } = await resident.calicoctl("check", "--repair");
    expect(code).toBe(6);
    expect(stdout.split("\n")).toHaveLength(2);
    await put(key, value);
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    expect(await ping(peer, ip)).toBe(true);
  },
);
