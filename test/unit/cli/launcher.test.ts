/** The program as a process. */
import { afterAll, describe, expect, test } from "@jest/globals";
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, openSync, closeSync, rmSync, symlinkSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { version } from "../../../src/cli/version.ts";

const directory = mkdtempSync(join(tmpdir(), "calicoctl-launcher-"));
afterAll(() => rmSync(directory, { recursive: true }));
const program = resolve("bin/calicoctl");

/** Takes connections and never answers. */
async function silence(): Promise<{ server: Server; endpoint: string; connected: Promise<void> }> {
  const server = createServer();
  const connected = new Promise<void>((found) => server.once("connection", () => found()));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { server, connected, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("starts through a symbolic link, from any directory", () => {
  const link = join(directory, "linked");
  symlinkSync(program, link);
  const ran = spawnSync(link, ["--version"], { cwd: "/", encoding: "utf8" });
  expect(ran).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: "" });
});

test("says what to do when it is not built", () => {
  const copy = join(directory, "copy/bin");
  mkdirSync(copy, { recursive: true });
  for (const file of ["calicoctl", "package.json"]) copyFileSync(join("bin", file), join(copy, file));
  const ran = spawnSync(join(copy, "calicoctl"), ["network", "ls"], { encoding: "utf8" });
  expect(ran).toMatchObject({ status: 1, stdout: "" });
  expect(ran.stderr).toContain("hint: npm run build");
});

test("a reader that has gone away is no error", () => {
  const ran = spawnSync("bash", ["-c", `"$0" --help | true; exit "\${PIPESTATUS[0]}"`, program], { encoding: "utf8" });
  expect(ran).toMatchObject({ status: 0, stderr: "" });
});

test("a full disk is one", () => {
  const full = openSync("/dev/full", "w");
  const ran = spawnSync(program, ["--help"], { stdio: ["ignore", full, "pipe"], encoding: "utf8" });
  closeSync(full);
  expect(ran).toMatchObject({ status: 1, stderr: "calicoctl: stdout cannot be written (ENOSPC)\n" });
});

test("a terminal that does not know its width cuts nothing", async () => {
  const nothing = {
    header: { revision: "1" },
    succeeded: true,
    responses: [{ response_range: {} }, { response_range: {} }],
  };
  const etcd = createHttpServer((request, response) =>
    request.resume().on("end", () => response.end(JSON.stringify(nothing))),
  );
  await new Promise<void>((ready) => etcd.listen(0, "127.0.0.1", ready));
  try {
    const env = { ...process.env, ETCD_ENDPOINTS: `http://127.0.0.1:${(etcd.address() as AddressInfo).port}` };
    const command = `stty cols 0; ${program} network ls`;
    const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], { env });
    let out = "";
    child.stdout.on("data", (part: Buffer) => (out += part.toString()));
    expect(await new Promise((found) => child.on("close", found))).toBe(0);
    expect(stripVTControlCharacters(out)).toBe("NETWORK ID   NAME   TYPE\r\n");
  } finally {
    etcd.closeAllConnections();
    etcd.close();
  }
});

test("usage errors and an unreachable store have their exit codes, and leave stdout empty", () => {
  const env = { ...process.env, ETCD_ENDPOINTS: "http://127.0.0.1:1" };
  expect(spawnSync(program, ["network", "lss"], { env, encoding: "utf8" })).toMatchObject({ status: 2, stdout: "" });
  expect(spawnSync(program, ["network", "ls"], { env, encoding: "utf8" })).toMatchObject({ status: 5, stdout: "" });
});

describe("signals", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s ends a command that waits for the store with %d", async (signal, expected) => {
    const { server, endpoint, connected } = await silence();
    const child = spawn(program, ["network", "ls"], { env: { ...process.env, ETCD_ENDPOINTS: endpoint } });
    try {
      let err = "";
      child.stderr.on("data", (part: Buffer) => (err += part.toString()));
      const ended = new Promise((found) => child.on("close", found));
      await connected;
      child.kill(signal);
      expect(await ended).toBe(expected);
      expect(err).toContain("calicoctl: interrupted\n");
    } finally {
      child.kill("SIGKILL");
      server.close();
    }
  });
});
