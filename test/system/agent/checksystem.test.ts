import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { resolve } from "node:path";
import type { SystemRow } from "../../../src/agent/system-check/row.ts";
import { type Host, makeHost } from "../../helpers/host.ts";
import type { Ended } from "../../helpers/process.ts";

let host: Host;
beforeAll(async () => {
  host = await makeHost();
});
afterAll(async () => host.close());

const rowsOf = ({ stdout }: Ended): Map<string, SystemRow> => {
  const { items } = JSON.parse(stdout) as { items: SystemRow[] };
  return new Map(items.map((row) => [row.name, row]));
};

/** In the host's namespaces, with something before the command that takes a privilege or a file away. */
const checksystem = async (...before: string[]): Promise<Ended> =>
  host.exec([...before, resolve("bin/calicoctl"), "checksystem", "-o", "json"], { env: { ...host.env } });

test("a host that has all: nothing is missing, and nothing of the host is changed", async () => {
  const before = await host.snapshot();
  const ran = await checksystem();
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  const rows = rowsOf(ran);
  expect([...rows.values()].filter(({ state }) => state !== "ok")).toEqual([]);
  for (const name of ["capabilities", "kernel", "network namespaces", "veth", "bridge", "vxlan", "nf_tables", "nft"])
    expect([...rows.keys()]).toContain(name);
  expect(await host.snapshot()).toBe(before);
});

test("another user: told what is missing, and that the kernel was not tried", async () => {
  const ran = await checksystem("setpriv", "--reuid", "65534", "--clear-groups");
  expect(ran).toMatchObject({ code: 6, stderr: expect.stringContaining("missing: user, capabilities") });
  const rows = rowsOf(ran);
  expect(rows.get("capabilities")?.found).toBe("without CAP_NET_ADMIN and CAP_SYS_ADMIN");
  expect(rows.get("nf_tables")).toMatchObject({ state: "warning", found: "not tried without root" });
});

test("root without the power over networks, as in a container", async () => {
  const ran = await checksystem("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin");
  expect(ran.code).toBe(6);
  expect(rowsOf(ran).get("capabilities")).toMatchObject({
    found: "without CAP_NET_ADMIN",
    remedy: expect.stringContaining("privileged"),
  });
});

test("without nft: the program and what needs it are missing, each with its remedy", async () => {
  const hide = `mount --bind /dev/null "$(command -v nft)" && exec "$@"`;
  const ran = await checksystem("unshare", "--mount", "sh", "-c", hide, "sh");
  expect(ran).toMatchObject({ code: 6, stderr: expect.stringContaining("missing: nf_tables, nft") });
  expect(rowsOf(ran).get("nft")).toMatchObject({ remedy: "apt-get install nftables" });
});
