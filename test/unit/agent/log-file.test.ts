import { afterAll, expect, test } from "@jest/globals";
import {
  closeSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endOfLog, logSince, openLogFile } from "../../../src/agent/log-file.ts";

const folder = mkdtempSync(join(tmpdir(), "cnmt-log-"));
afterAll(() => rmSync(folder, { recursive: true }));

function append(path: string, text: string): void {
  const fd = openLogFile(path);
  writeSync(fd, text);
  closeSync(fd);
}

test("is made with its folder, for its group to read, and appended to", () => {
  const path = join(folder, "a", "node.log");
  append(path, "one\n");
  const end = endOfLog(path);
  append(path, "two\nthree\n");
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(logSince(path)).toEqual(["one", "two", "three"]);
  expect(logSince(path, end)).toEqual(["two", "three"]);
  expect(logSince(path, 0, 6)).toEqual(["three"]);
  expect(logSince(join(folder, "absent"))).toEqual([]);
});

test("one that has grown is put aside when it is opened", () => {
  const path = join(folder, "grown.log");
  writeFileSync(path, "old\n");
  truncateSync(path, 10 * 1024 * 1024 + 1);
  append(path, "new\n");
  expect(readFileSync(path, "utf8")).toBe("new\n");
  expect(statSync(`${path}.1`).size).toBe(10 * 1024 * 1024 + 1);
});

test("a place that cannot be written is a failure with a remedy", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(() => openLogFile(join(file, "node.log"))).toThrow(/cannot open the log/);
});
