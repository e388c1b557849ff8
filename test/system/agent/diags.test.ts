import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdir, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Host, makeHost } from "../../helpers/host.ts";

let host: Host;
beforeAll(async () => {
  host = await makeHost();
});
afterAll(async () => host.close());

test("holds the store, the kernel and the versions without secrets, and tells what could not be gathered", async () => {
  const container = await host.container();
  await host.calicoctl([
    "network",
    "create",
    "--label",
    "db_password=hunter2",
    "--label",
    "url=http://me:hunter2@h",
    "net",
  ]);
  await host.calicoctl(["service", "attach", "--publish", container.ref, "web.net"]);
  const file = join(host.folder, "bundle.tar.gz");
  const before = await host.snapshot();
  const ran = await host.calicoctl(["diags", file, "--log-dir", join(host.folder, "log"), "-o", "json"], {
    env: { MY_SECRET: "hunter2" },
  });
  expect(ran).toMatchObject({ code: 0 });
  expect(JSON.parse(ran.stdout)).toMatchObject({
    file,
    notGathered: expect.arrayContaining([{ name: "status.json", why: "no node runs on this host" }]),
  });
  expect(await host.snapshot()).toBe(before);
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const folder = join(host.folder, "unpacked");
  await mkdir(folder);
  execFileSync("tar", ["--extract", "--gzip", "--directory", folder, "--file", file]);
  const read = (name: string): Promise<string> => readFile(join(folder, name), "utf8");
  const store = await read("store.json");
  expect(store).toContain('"db_password": "(removed)"');
  expect(store).toContain('"url": "http://(removed)@h"');
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map(async ({ parentPath, name }) => readFile(join(parentPath, name), "utf8")));
  expect(texts.length).toBeGreaterThan(10);
  expect(texts.filter((text) => text.includes("hunter2"))).toEqual([]);
  expect(await read("network/nft-inet.txt")).toContain("table inet calico_cnm");
  expect(await read("network/links.json")).toContain("cali");
  expect(JSON.parse(await read("settings.json"))).toMatchObject({ node: host.node });
  expect(JSON.parse(await read("sysctls.json"))).toMatchObject({ "net/ipv4/ip_forward": "1" });
});
