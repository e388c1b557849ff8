/** What an agent that runs must live through on its host. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ping, type Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { withFullDisk } from "../../helpers/limited.ts";
import { startNode, type NodeProcess } from "../../helpers/node.ts";
import { must, start, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";
import { eventsOf } from "./events.ts";

let host: Host;
let resident: Resident;
let node: NodeProcess | undefined;
let container: Container;
let own: Attached;
beforeEach(async () => {
  host = await makeHost();
  resident = startResident(host);
  container = await host.container();
  own = await attachNew(resident, container, "one.a");
});
afterEach(async () => {
  node?.running.kill("SIGCONT");
  await node?.stop();
  node = undefined;
  await resident.close();
  await host.close();
});

const onHost = (...command: string[]): Promise<string> => must(command, { namespace: host.namespace });
const breakLink = (): Promise<string> => onHost("ip", "link", "delete", own.hostInterface);
const isMended = (): Promise<boolean> => ping(host, own.ip);
const isRight = async (): Promise<boolean> =>
  (await resident.calicoctl("status")).code === 0 && (await resident.calicoctl("check")).code === 0;
const kinds = async (): Promise<string[]> => (await eventsOf(resident)).map(({ kind }) => kind);

test("more changes than the kernel tells of are told as missed, and all is looked at", async () => {
  node = await startNode(host, resident);
  node.running.kill("SIGSTOP");
  const changes = Array.from({ length: 20_000 }, (_, index) => `link set eth0 alias number${index}`);
  await must(["ip", "-n", host.namespace, "-batch", "-"], { stdin: `${changes.join("\n")}\n` });
  await breakLink();
  node.running.kill("SIGCONT");
  await until("it is told", async () => (await kinds()).includes("kernel-missed"));
  await until("it is mended", isMended);
  await until("all is right", isRight);
  expect(await kinds()).not.toContain("not-repaired");
});

describe("an nft program that", () => {
  let folder: string;
  beforeEach(() => {
    folder = join(host.folder, "bin");
    mkdirSync(folder);
  });
  const startWith = async (script: string): Promise<void> => {
    const nft = join(folder, "nft");
    writeFileSync(nft, script);
    chmodSync(nft, 0o755);
    const running = host.startCalicoctl(["node", "start", "--detach=false", "--etcd=external"], {
      timeout: 0,
      env: { PATH: `${folder}:${process.env["PATH"]}` },
    });
    node = {
      running,
      async stop() {
        running.kill("SIGTERM");
        await running.ended;
      },
    };
    await until("the node runs", async () => (await resident.calicoctl("status")).code === 0);
  };

  test.each([
    ["hangs", "#!/bin/sh\nexec sleep 1000\n"],
    ["dies midway", "#!/bin/sh\nkill -9 $$\n"],
  ])("%s keeps nothing else from being mended, and when it works again all is right", async (_, script) => {
    await startWith(script);
    await onHost("nft", "flush", "ruleset");
    await until("it is told", async () => (await kinds()).includes("not-repaired"), 30_000);
    expect(await resident.calicoctl("status")).toMatchObject({ code: 6 });
    await breakLink();
    await until("it is mended", isMended, 30_000);
    rmSync(join(folder, "nft"));
    await until("all is right", isRight, 40_000);
  });
});

describe("a state directory that", () => {
  const stateDir = (): string => host.env["CALICO_STATE_DIR"] ?? "";

  test("is on a full disk keeps the node from telling, and not from mending", async () => {
    const command = ["bin/calicoctl", "node", "start", "--detach=false", "--etcd=external"];
    const running = start(withFullDisk(stateDir())(command), { namespace: host.namespace, env: { ...host.env } });
    try {
      await breakLink();
      await until("it is mended", isMended);
    } finally {
      running.kill("SIGTERM");
      expect(await running.ended).toMatchObject({
        code: 0,
        stderr: expect.stringContaining("cannot write the journal"),
      });
    }
  });

  test("is emptied is filled again, so that there is one node, which others find", async () => {
    node = await startNode(host, resident);
    rmSync(stateDir(), { recursive: true });
    await breakLink();
    await until("it is mended", isMended);
    await until("it is found", async () => (await host.calicoctl(["status"])).code === 0);
    expect(await host.calicoctl(["node", "start", "--detach=false", "--etcd=external"])).toMatchObject({ code: 4 });
    expect(await kinds()).toContain("started");
    await until("all is right", isRight);
  });

  test("was emptied, and is another node's by now, is left to that one", async () => {
    const former = await startNode(host, resident);
    former.running.kill("SIGSTOP");
    rmSync(stateDir(), { recursive: true });
    node = await startNode(host, resident);
    former.running.kill("SIGCONT");
    expect(await former.running.ended).toMatchObject({ code: 4 });
    expect(await host.calicoctl(["status", "-o", "json"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`"pid": ?${node.running.pid}\\b`)),
    });
    await breakLink();
    await until("it is mended", isMended);
    await until("all is right", isRight);
  });
});
