import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { join } from "node:path";
import { processStartTime, sameProcess } from "../../../src/runtime/process.ts";
import { fakeHost } from "./fakes.ts";
import type { FakeHost } from "./fakes.ts";

let host: FakeHost;
beforeEach(() => {
  host = fakeHost();
});
afterEach(() => host.remove());

describe("the start time of a process", () => {
  test("stays while the process does", () => {
    const startTime = processStartTime(process.pid) ?? "";
    expect(startTime).toMatch(/^\d+$/);
    expect(sameProcess(process.pid, startTime)).toBe(true);
  });

  test("tells another process with the same PID", () => {
    expect(sameProcess(process.pid, "1")).toBe(false);
  });

  test("is not confused by a command that looks like the fields after it", () => {
    host.process(7, { command: "a) S 1 2 (b) Z", startTime: "99" });
    expect(processStartTime(7, join(host.root, "proc"))).toBe("99");
  });

  test("is unknown for a process that is not there, or has exited", () => {
    host.process(8, { state: "Z" });
    expect(processStartTime(8, join(host.root, "proc"))).toBeUndefined();
    expect(processStartTime(9, join(host.root, "proc"))).toBeUndefined();
  });
});
