/** The state directory: nobody else's, and the one that was in use when endpoints were attached. */
import { chmodSync, chownSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { must, type Ended } from "../../helpers/process.ts";
import { worldOf } from "../../helpers/state.ts";

const FAILURE = 1;
const WRONG = 6;
const NOBODY = 65534;

let host: Host;
let container: Container;
let state: string;

beforeEach(async () => {
  host = await makeHost();
  container = await host.container();
  state = join(host.folder, "state");
  await host.calicoctl(["service", "publish", "web.net.calico"]);
});
afterEach(async () => {
  await host.close();
});

const attach = (...options: string[]): ReturnType<Host["calicoctl"]> =>
  host.calicoctl(["service", "attach", ...options, container.ref, "web.net"]);

describe("is refused, and nothing is read from it or changed, when it", () => {
  const elsewhere = (): string => join(host.folder, "elsewhere");
  const spoilt: Record<string, [() => void, RegExp]> = {
    "belongs to somebody else": [() => chownSync(state, NOBODY, NOBODY), /state belongs to user 65534/],
    "is open to a group": [() => chmodSync(state, 0o770), /state can be written by others/],
    "is open to all": [() => chmodSync(state, 0o1777), /state can be written by others/],
    "is a link": [
      () => {
        renameSync(state, elsewhere());
        symlinkSync(elsewhere(), state);
      },
      /state is a link/,
    ],
    "has locks that belong to somebody else": [
      () => chownSync(join(state, "locks"), NOBODY, NOBODY),
      /locks belongs to user 65534/,
    ],
    "has locks that are a link": [
      () => {
        rmSync(join(state, "locks"), { recursive: true });
        mkdirSync(elsewhere());
        symlinkSync(elsewhere(), join(state, "locks"));
      },
      /locks is a link/,
    ],
  };

  test.each(Object.entries(spoilt))("%s", async (_, [spoil, told]) => {
    mkdirSync(join(state, "locks"), { recursive: true, mode: 0o700 });
    spoil();
    const before = await worldOf(host, [container]);
    const { code, stderr } = await attach();
    expect({ code, stderr }).toMatchObject({ code: FAILURE, stderr: expect.stringMatching(told) });
    expect(stderr).toMatch(/^calicoctl: [^\n]+\nhint: [^\n]*--state-dir$/);
    expect(await worldOf(host, [container])).toBe(before);
  });
});

describe("once endpoints are attached,", () => {
  const forwarding = (): Promise<string> =>
    must(["sysctl", "-n", "net.ipv4.ip_forward"], { namespace: host.namespace });
  let attached: Ended;
  beforeEach(async () => {
    await must(["sysctl", "-qw", "net.ipv4.ip_forward=0"], { namespace: host.namespace });
    attached = await attach();
  });

  test("another one is told of, by check and by attach, and the first puts the settings back", async () => {
    expect(attached).toMatchObject({ code: 0, stderr: "" });
    const other = ["--state-dir", join(host.folder, "other")];
    const { code, stdout } = await host.calicoctl(["check", ...other]);
    expect({ code, stdout }).toMatchObject({ code: WRONG, stdout: expect.stringContaining("other   was emptied, or") });
    expect((await attach("--ignore", ...other)).stderr).toContain("is not the one that was in use");
    expect(await host.calicoctl(["check"])).toMatchObject({ code: 0, stdout: "" });
    expect(await host.calicoctl(["service", "detach", "web.net"])).toMatchObject({ code: 0 });
    expect(await forwarding()).toBe("0");
    expect(readdirSync(state)).toEqual(["locks"]);
  });

  test("one that was emptied is told of by check; repaired, it leaves the settings as they are", async () => {
    rmSync(state, { recursive: true });
    expect(await host.calicoctl(["check"])).toMatchObject({
      code: WRONG,
      stdout: expect.stringContaining("the host's settings will stay as they are now"),
    });
    expect(await host.calicoctl(["check", "--repair"])).toMatchObject({ code: 0 });
    expect(await host.calicoctl(["check"])).toMatchObject({ code: 0, stdout: "" });
    expect(await host.calicoctl(["service", "detach", "web.net"])).toMatchObject({ code: 0 });
    expect(await forwarding()).toBe("1");
  });
});
