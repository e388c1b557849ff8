/** Interfaces that another program names cali…, as Calico itself does: they are its own, and are closed. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must } from "../../helpers/process.ts";

const NAMES = ["cali0123456789a", "calico-other", "cali3", "cali4", "cali5"];

let host: Host;
let one: Container;
let two: Container;

beforeEach(async () => {
  host = await makeHost();
  [one, two] = [await host.container(), await host.container()];
  for (const name of NAMES) await must(["ip", "-n", host.namespace, "link", "add", name, "type", "bridge"]);
});
afterEach(async () => {
  await host.close();
});

const attach = (container: Container, service: string): ReturnType<Host["calicoctl"]> =>
  host.calicoctl(["service", "attach", "--publish", container.ref, service]);

test("the first attach tells of them, check names each, and nobody takes them away", async () => {
  expect(await host.calicoctl(["check"])).toMatchObject({ code: 0, stdout: "" });
  const first = await attach(one, "one.net");
  expect(first).toMatchObject({ code: 0, stdout: "" });
  expect(first.stderr).toMatch(/^calicoctl: warning: calicoctl did not make cali\S+, cali\S+, cali\S+ and 2 more, and/);
  expect(await attach(two, "two.net")).toMatchObject({ code: 0, stderr: "" });
  const { code, stdout } = await host.calicoctl(["check", "--repair"]);
  expect(code).toBe(6);
  for (const name of NAMES) {
    expect(stdout).toContain(`interface ${name} `);
    await must(["ip", "-n", host.namespace, "link", "show", name]);
  }
  for (const service of ["one.net", "two.net"]) await host.calicoctl(["service", "detach", service]);
  expect(await host.calicoctl(["check"])).toMatchObject({ code: 0, stdout: "" });
});
