/** Commands that die on their way to or from a plugin are finished by those that come after them. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Container, exec } from "../../helpers/container.ts";
import { type Host, makeHost } from "../../helpers/host.ts";
import { killAt } from "../../helpers/kill.ts";
import { type Plugin, reaches, startPlugin, withPlugin, takeDown } from "../../helpers/plugin.ts";
import { type Resident, startResident } from "../../helpers/resident.ts";

let host: Host;
let plugin: Plugin;
let calico: Resident;
let container: Container;

beforeAll(async () => {
  host = await makeHost();
  plugin = await startPlugin(host, "test-net");
  host = withPlugin(host, plugin);
  calico = startResident(host);
  container = await host.container();
});

afterAll(async () => {
  await calico.close();
  await plugin.stop();
  await host.close();
});

afterEach(() => takeDown(calico));

const create = "network create -d test-net --subnet 10.30.0.0/24 red".split(" ");

describe("a command that is killed", () => {
  test.each([
    ["attach:locked"],
    ["store:answered"],
    ["remote:joined"],
    ["join:recorded"],
    ["remote:moved"],
    ["remote:sandbox"],
    ["attach:plumbed"],
  ])("attach, at %s: the same command finishes it", async (step) => {
    await calico.must(...create);
    await calico.must("service", "publish", "one.red");
    const attach = ["service", "attach", container.ref, "one.red"];
    expect((await killAt(host, step, attach)).signal).toBe("SIGKILL");
    await calico.must(...attach, "--ignore");
    expect(await reaches(container, "10.30.0.1")).toBe(true);
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
  });

  test.each([
    ["publish:recorded", "service publish one.red", "service publish --ignore one.red"],
    ["remote:endpoint", "service publish one.red", "service publish --ignore one.red"],
    ["remote:left", "service detach one.red", "service detach one.red"],
    ["detach:left", "service detach one.red", "service detach one.red"],
    ["unpublish:unplumbed", "service unpublish -f one.red", "service unpublish -f one.red"],
    ["network-rm:told", "network rm green", "network rm green"],
  ])("at %s, of %s: the same command finishes it", async (step, command, again) => {
    await calico.must(...create);
    if (command.includes("green"))
      await calico.must(..."network create -d test-net --subnet 10.31.0.0/24 green".split(" "));
    if (/detach|unpublish/.test(command)) await calico.must("service", "attach", "--publish", container.ref, "one.red");
    expect((await killAt(host, step, command.split(" "))).signal).toBe("SIGKILL");
    await calico.must(...again.split(" "));
    expect((await exec(container, ["ip", "-o", "link"])).stdout).not.toContain("eth0");
    expect(await calico.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    if (!/ publish|detach/.test(command)) return;
    await calico.must("service", "attach", container.ref, "one.red");
    expect(await reaches(container, "10.30.0.1")).toBe(true);
  });

  test("network create, once it is on record: it can be used, and removed", async () => {
    expect((await killAt(host, "network-create:recorded", create)).signal).toBe("SIGKILL");
    await calico.must(...create, "--ignore");
    await calico.must("service", "attach", "--publish", container.ref, "one.red");
    expect(await reaches(container, "10.30.0.1")).toBe(true);
  });
});
