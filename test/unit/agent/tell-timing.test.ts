import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Serving, serveControl } from "../../../src/agent/control-server.ts";
import { controlSocket } from "../../../src/agent/control-socket.ts";
import { tellTiming } from "../../../src/agent/tell-timing.ts";
import type { Timing } from "../../../src/cnm/stopwatch.ts";

const timing: Timing = { verb: "attach", seconds: { lock: 0.001, total: 0.25 } };

let folder: string;
let serving: Serving | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  serving = undefined;
});
afterEach(() => {
  serving?.close();
  rmSync(folder, { recursive: true });
});

test("an agent hears all of it, though nobody waits for its answer", async () => {
  let hear: (body: string) => void = () => {};
  const heard = new Promise<string>((resolve) => (hear = resolve));
  serving = await serveControl(folder, {
    "POST /timings": (body) => {
      hear(body);
      return { status: 202, body: {} };
    },
  });
  tellTiming(folder, timing);
  expect(JSON.parse(await heard)).toEqual(timing);
});

test.each([
  ["there is none", () => undefined],
  ["what stands at its place is no socket", () => writeFileSync(controlSocket(folder), "")],
])("where %s, nothing is told and nothing fails", (_, prepare) => {
  prepare();
  expect(() => tellTiming(folder, timing)).not.toThrow();
});

test("nor where its path is too long for a socket", () => {
  expect(() => tellTiming(join(folder, "long".repeat(30)), timing)).not.toThrow();
});
