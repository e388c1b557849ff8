import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { build } from "esbuild";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { lockFile, lockFileNow } from "../../../src/dataplane/lock.ts";
import type { Lock } from "../../../src/dataplane/lock.ts";
import { run, start, until } from "../../helpers/process.ts";

let folder: string;
let path: string;
let locks: Lock[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  path = join(folder, "locks", "sandbox");
  locks = [];
});
afterEach(() => {
  for (const lock of locks) lock.release();
  rmSync(folder, { recursive: true });
});

async function take(options: { timeoutMs: number; exclusive?: boolean; signal?: AbortSignal }): Promise<Lock> {
  const lock = await lockFile(path, options);
  locks.push(lock);
  return lock;
}

/** Whether util-linux's flock gets the lock at once. */
const isFree = async (): Promise<boolean> => (await run(["flock", "-n", path, "true"])).code === 0;

test("one at a time, in this process too, and the file and its folder are private", async () => {
  const first = await take({ timeoutMs: 0 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "locks")).mode & 0o777).toBe(0o700);
  expect(await isFree()).toBe(false);
  await expect(take({ timeoutMs: 0 })).rejects.toMatchObject({ name: "UserError", code: "timeout" });
  const waiting = take({ timeoutMs: 30_000 });
  first.release();
  await waiting;
  first.release();
  expect(await isFree()).toBe(false);
});

test("whoever does not wait gets it when it is free, and else nothing", async () => {
  const held = await take({ timeoutMs: 0, exclusive: false });
  expect(lockFileNow(path)).toBeUndefined();
  held.release();
  const lock = lockFileNow(path);
  expect(await isFree()).toBe(false);
  lock?.release();
  expect(await isFree()).toBe(true);
});

test("shared locks go together, and keep an exclusive one out", async () => {
  const readers = [await take({ timeoutMs: 0, exclusive: false }), await take({ timeoutMs: 0, exclusive: false })];
  await expect(take({ timeoutMs: 5 })).rejects.toMatchObject({ code: "timeout" });
  for (const reader of readers) reader.release();
  await take({ timeoutMs: 0 });
});

test("another process holds it: the error names file and process, and its death frees the lock", async () => {
  (await take({ timeoutMs: 0 })).release();
  const holder = start(["flock", "--no-fork", path, "sleep", "600"]);
  try {
    await until("the lock is taken", async () => !(await isFree()));
    await expect(take({ timeoutMs: 20 })).rejects.toMatchObject({
      code: "timeout",
      message: `process ${holder.pid} held the lock ${path} for more than 20 ms`,
      hint: expect.stringContaining(String(holder.pid)),
    });
    const waiting = take({ timeoutMs: 30_000 });
    holder.kill();
    await waiting;
  } finally {
    holder.kill();
    await holder.ended;
  }
});

test("it dies with a process that is killed while it holds it, whatever that one has started", async () => {
  const program = join(folder, "holder.cjs");
  await build({
    stdin: {
      contents: `
        import { spawn } from "node:child_process";
        import { lockFile } from "./src/dataplane/lock.ts";
        void lockFile(process.argv[2], { timeoutMs: 0 }).then(() => {
          const child = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
          console.log(child.pid);
        });`,
      resolveDir: resolve("."),
    },
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["koffi"],
    outfile: program,
  });
  const env = { ...process.env, NODE_PATH: resolve("node_modules"), NODE_OPTIONS: "" };
  const holder = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"], env });
  let grandchild: number | undefined;
  try {
    const [line] = (await once(holder.stdout, "data")) as [Buffer];
    grandchild = Number(line.toString());
    expect(await isFree()).toBe(false);
    holder.kill("SIGKILL");
    await take({ timeoutMs: 30_000 });
    expect(existsSync(`/proc/${grandchild}`)).toBe(true);
  } finally {
    holder.kill("SIGKILL");
    if (grandchild !== undefined) process.kill(grandchild, "SIGKILL");
  }
});

test("waiting ends when it is told to, with the reason", async () => {
  await take({ timeoutMs: 0 });
  const reason = new Error("interrupted by the user");
  const abort = new AbortController();
  const waiting = take({ timeoutMs: 60_000, signal: abort.signal });
  abort.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(take({ timeoutMs: 60_000, signal: abort.signal })).rejects.toBe(reason);
});

test("a place where no file can be is an error in words", async () => {
  const blocked = join(folder, "file");
  writeFileSync(blocked, "");
  await expect(lockFile(join(blocked, "lock"), { timeoutMs: 0 })).rejects.toMatchObject({
    name: "UserError",
    message: expect.stringMatching(/^cannot make the directory .*\/file: E/),
  });
});
