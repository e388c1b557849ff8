import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { appendFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NodeEvent, followEvents, journalFile, readEvents } from "../../../src/agent/events.ts";
import { Journal } from "../../../src/agent/journal.ts";
import { makeLog } from "../../../src/agent/log.ts";
import { until } from "../../helpers/process.ts";

let folder: string;
let log: string[];
let journal: Journal;
const open = (): Journal =>
  new Journal(
    folder,
    makeLog("warn", (line) => void log.push(line)),
  );
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  log = [];
  journal = open();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const tell = (object: string, what = "is right"): void => journal.add({ kind: "repaired", object, what });
const objects = (): string[] => readEvents(folder).map(({ object }) => object);
const MIB = 1024 * 1024;
const LONG = "x".repeat(1000);

describe("the journal", () => {
  test("is root's alone, and goes on counting after a restart", () => {
    tell("one");
    journal = open();
    tell("two");
    expect(readEvents(folder).map(({ seq, object }) => [seq, object])).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
    expect(statSync(journalFile(folder)).mode & 0o777).toBe(0o600);
  });

  test("passes over a line that was not written to its end", () => {
    tell("one");
    appendFileSync(journalFile(folder), '{"seq":2,"kind":"rep');
    journal = open();
    tell("two");
    tell("three");
    expect(objects()).toEqual(["one", "two", "three"]);
  });

  test("keeps the later half when it grows too long", () => {
    for (let index = 0; index < 1500; index += 1) tell(String(index), LONG);
    expect(statSync(journalFile(folder)).size).toBeLessThanOrEqual(MIB);
    const kept = objects().map(Number);
    expect(kept.length).toBeGreaterThan(400);
    expect(kept).toEqual(kept.map((_, index) => 1500 - kept.length + index));
  });

  test("that cannot be written is no failure, and is told in the log", () => {
    rmSync(folder, { recursive: true });
    tell("one");
    expect(log.join("")).toContain("cannot write the journal");
    expect(journal.counts.get("repaired")).toBe(1);
  });
});

describe("who follows", () => {
  test("gets each event once, also when the file is cut meanwhile, until told to stop", async () => {
    tell("before");
    const heard: NodeEvent[] = [];
    const stop = new AbortController();
    const done = followEvents(folder, readEvents(folder), (events) => void heard.push(...events), stop.signal);
    tell("first");
    await until("the first", () => heard.length === 1);
    for (let index = 0; index < 1100; index += 1) tell(String(index), LONG);
    await until("the last", () => heard.at(-1)?.object === "1099");
    // Whoever empties the state directory empties the journal, which then begins anew.
    rmSync(journalFile(folder));
    open().add({ kind: "started", object: "anew", what: "" });
    await until("the new journal", () => heard.at(-1)?.object === "anew");
    stop.abort();
    await done;
    const seen = heard.slice(0, -1).map(({ seq }) => seq);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});
