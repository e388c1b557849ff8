import { afterEach, expect, test } from "@jest/globals";
import { closeSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServiceManager, serviceManager } from "../../../src/agent/sd-notify.ts";
import { SystemError, bind, recv, socket } from "../../../src/dataplane/libc.ts";
import { until } from "../../helpers/until.ts";

const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40];
let manager: ServiceManager | undefined;
let fd: number | undefined;

afterEach(() => {
  manager?.close();
  if (fd !== undefined) closeSync(fd);
  fd = undefined;
});

/** Listens as systemd does. */
function listen(name: string): void {
  fd = socket(AF_UNIX, SOCK_DGRAM, 0);
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  bind(fd, Buffer.concat([family, Buffer.from(name)]));
}

function heard(): string | undefined {
  const message = Buffer.alloc(256);
  try {
    return message.toString("utf8", 0, recv(fd ?? -1, message, MSG_DONTWAIT));
  } catch (error) {
    if (error instanceof SystemError && error.code === "EAGAIN") return undefined;
    throw error;
  }
}

const path = join(tmpdir(), `cnmt-notify-${process.pid}`);
test.each([
  ["a path", path, `${path}\0`],
  ["an abstract name", `@cnmt-notify-${process.pid}`, `\0cnmt-notify-${process.pid}`],
])("the manager at %s hears of each step", (_, NOTIFY_SOCKET, address) => {
  rmSync(path, { force: true });
  listen(address);
  manager = serviceManager({ NOTIFY_SOCKET });
  manager.ready();
  manager.status("two\nlines");
  manager.stopping();
  expect([heard(), heard(), heard(), heard()]).toEqual(["READY=1", "STATUS=two lines", "STOPPING=1", undefined]);
  rmSync(path, { force: true });
});

test("a watchdog is fed until the end, if it watches this process", async () => {
  listen(`\0cnmt-watchdog-${process.pid}`);
  const env = { NOTIFY_SOCKET: `@cnmt-watchdog-${process.pid}`, WATCHDOG_USEC: "20000" };
  serviceManager({ ...env, WATCHDOG_PID: "1" }).ready();
  expect(heard()).toBe("READY=1");
  manager = serviceManager({ ...env, WATCHDOG_PID: String(process.pid) });
  for (let times = 0; times < 3; times += 1) await until(() => heard() === "WATCHDOG=1");
  manager.close();
  while (heard() !== undefined);
  expect(heard()).toBeUndefined();
});

test.each([[{}], [{ NOTIFY_SOCKET: "" }], [{ NOTIFY_SOCKET: "/absent" }], [{ NOTIFY_SOCKET: `/${"x".repeat(200)}` }]])(
  "nobody who listens is no failure: %j",
  (env) => {
    manager = serviceManager(env);
    expect(() => manager?.ready()).not.toThrow();
  },
);
