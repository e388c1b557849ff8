import { expect, test } from "@jest/globals";
import { makeLog } from "../../../src/agent/log.ts";

test("a line is one JSON object with the time, the level, the message and the facts", () => {
  const lines: string[] = [];
  const log = makeLog("info", (line) => lines.push(line));
  log.debug("left out");
  log.info("two\nlines", { error: new Error("why"), big: 1n << 64n, list: ["a"] });
  log.error("bare");
  expect(lines.map((line) => line.endsWith("}\n") && !line.slice(0, -1).includes("\n"))).toEqual([true, true]);
  const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(first).toEqual({
    time: expect.stringMatching(/^\d{4}-.*Z$/),
    level: "info",
    message: "two\nlines",
    error: "why",
    big: "18446744073709551616",
    list: ["a"],
  });
  expect(second).toMatchObject({ level: "error", message: "bare" });
});
