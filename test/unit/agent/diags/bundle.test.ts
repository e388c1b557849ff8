import { afterAll, expect, test } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gather, writeBundle } from "../../../../src/agent/diags/bundle.ts";

const folder = mkdtempSync(join(tmpdir(), "cnmt-bundle-"));
afterAll(() => rmSync(folder, { recursive: true }));

const now = new Date("2026-01-31T12:00:00.000Z");

test("what can be gathered is in an archive for its owner alone, and what cannot is told", async () => {
  const { entries, gaps } = await gather(
    [
      { name: "a/text.txt", gather: () => "ü https://u:p@h\n" },
      { name: "value.json", gather: () => Promise.resolve({ password: "x", n: 1 }) },
      { name: "broken", gather: () => Promise.reject(new Error("why not")) },
      { name: "big", gather: () => "x".repeat(100_000) },
    ],
    now,
  );
  expect(gaps).toEqual([{ name: "broken", why: "why not" }]);
  const file = join(folder, "bundle.tar.gz");
  writeBundle(file, entries);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  execFileSync("tar", ["--extract", "--gzip", "--directory", folder, "--file", file]);
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  expect(read("a/text.txt")).toBe("ü https://(removed)@h\n");
  expect(JSON.parse(read("value.json"))).toEqual({ password: "(removed)", n: 1 });
  expect(JSON.parse(read("not-gathered.json"))).toEqual(gaps);
  expect(read("big")).toHaveLength(100_000);
  expect(statSync(join(folder, "big")).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, "big")).mtime).toEqual(now);
});

test("a file or a link that is there is left alone", () => {
  const file = join(folder, "there");
  writeFileSync(file, "mine");
  symlinkSync(join(folder, "absent"), join(folder, "link"));
  for (const path of [file, join(folder, "link")])
    expect(() => writeBundle(path, [])).toThrow(expect.objectContaining({ code: "conflict" }));
  expect(readFileSync(file, "utf8")).toBe("mine");
  expect(() => writeBundle(join(folder, "no", "where"), [])).toThrow(/cannot write/);
});
