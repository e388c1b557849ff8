import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { NetworkNamespace, bootId, hostCookie } from "../../../src/dataplane/netns.ts";
import { must, run, start, until } from "../../helpers/process.ts";

const here = (): string => readlinkSync("/proc/thread-self/ns/net");

let name: string;
let namespace: NetworkNamespace;
beforeEach(async () => {
  name = `cnmt-${randomBytes(4).toString("hex")}`;
  await must(["ip", "netns", "add", name]);
  namespace = NetworkNamespace.open(`/run/netns/${name}`);
});
afterEach(async () => {
  namespace.close();
  await run(["ip", "netns", "delete", name]);
});

test("a new one is empty, is nobody's, and is gone with its last file", () => {
  const before = here();
  const made = NetworkNamespace.create();
  try {
    expect(here()).toBe(before);
    expect(made.isHost).toBe(false);
    expect(made.cookie).not.toBe(namespace.cookie);
    const interfaces = made.run(() => readFileSync("/proc/thread-self/net/dev", "utf8").match(/^ *\w+(?=:)/gm));
    expect(interfaces?.map((one) => one.trim())).toEqual(["lo"]);
  } finally {
    made.close();
  }
  expect(() => made.run(here)).toThrow("is closed");
});

describe("run", () => {
  test("works inside, and answers from outside", () => {
    const before = here();
    expect(namespace.run(here)).toBe(`net:[${namespace.inode}]`);
    expect(here()).toBe(before);
    expect(before).not.toBe(`net:[${namespace.inode}]`);
  });

  test("comes back from work that throws", () => {
    const before = here();
    const broken = (): never => {
      throw new Error("broken work");
    };
    expect(() => namespace.run(broken)).toThrow("broken work");
    expect(here()).toBe(before);
    expect(namespace.run(here)).toBe(`net:[${namespace.inode}]`);
  });

  test("refuses work that goes on after it has answered", () => {
    const before = here();
    expect(() => namespace.run(() => Promise.resolve(1))).toThrow("only synchronous work");
    expect(here()).toBe(before);
  });

  test("refuses to go in twice, and comes back all the same", () => {
    const before = here();
    expect(() => namespace.run(() => namespace.run(here))).toThrow("already inside");
    expect(here()).toBe(before);
  });

  test("refuses a namespace that was closed", () => {
    namespace.close();
    expect(() => namespace.run(here)).toThrow("closed");
  });
});

describe("identity", () => {
  test("is the same by every path, and differs between namespaces", async () => {
    const process = start(["sleep", "600"], { namespace: name });
    try {
      const path = `/proc/${process.pid}/ns/net`;
      await until("the process is inside", () => readlinkSync(path) === `net:[${namespace.inode}]`);
      const byPid = NetworkNamespace.open(path);
      const { device, inode, cookie } = byPid;
      byPid.close();
      expect({ device, inode, cookie }).toEqual({
        device: namespace.device,
        inode: namespace.inode,
        cookie: namespace.cookie,
      });
      expect(cookie).toMatch(/^[1-9]\d*$/);
      expect(cookie).not.toBe(hostCookie());
    } finally {
      process.kill();
      await process.ended;
    }
  });

  test("tells this process's own namespace from others", () => {
    const own = NetworkNamespace.open("/proc/self/ns/net");
    expect(own.isHost).toBe(true);
    expect(own.cookie).toBe(hostCookie());
    own.close();
    expect(namespace.isHost).toBe(false);
  });

  test("an inode is used again, a cookie is not", async () => {
    const cookies = new Map<number, string>();
    const other = `${name}-2`;
    for (;;) {
      await must(["ip", "netns", "add", other]);
      const next = NetworkNamespace.open(`/run/netns/${other}`);
      const { inode, cookie } = next;
      next.close();
      await must(["ip", "netns", "delete", other]);
      const earlier = cookies.get(inode);
      cookies.set(inode, cookie);
      if (earlier === undefined) continue;
      // Each processor has a stock of its own, so that a later one may be smaller.
      expect(cookie).not.toBe(earlier);
      expect(new Set(cookies.values()).size).toBe(cookies.size);
      return;
    }
  });

  test("it outlives the name that it was opened by", async () => {
    await must(["ip", "netns", "delete", name]);
    expect(namespace.run(here)).toBe(`net:[${namespace.inode}]`);
    expect(() => NetworkNamespace.open(`/run/netns/${name}`)).toThrow("there is no network namespace at");
  });

  test("the boot has an id", () => {
    expect(bootId()).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trimEnd());
  });
});

test.each([
  ["/proc/self/ns/mnt", "not of the network kind"],
  ["/proc", "is not a network namespace"],
  ["/dev/null", "is not a network namespace"],
  [resolve("package.json"), "is not a network namespace"],
  [resolve("package.json/net"), "there is no network namespace at"],
  ["/proc/4194305/ns/net", "there is no network namespace at"],
  ["/run/netns/cnmt-none", "there is no network namespace at"],
])("%s is refused in words", (path, words) => {
  expect(() => NetworkNamespace.open(path)).toThrow(
    expect.objectContaining({ name: "UserError", message: expect.stringContaining(words) }),
  );
});

test("a FIFO is refused without waiting for its other end", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  try {
    const fifo = join(folder, "fifo");
    await must(["mkfifo", fifo]);
    expect(() => NetworkNamespace.open(fifo)).toThrow("is not a network namespace");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
