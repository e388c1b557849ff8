import { describe, expect, test } from "@jest/globals";
import { table } from "../../../../src/cli/render/table.ts";
import { displayWidth, truncate } from "../../../../src/cli/render/text.ts";
import { printable } from "../../../../src/base/quote.ts";

const plain = { columns: undefined, color: false };

describe("table", () => {
  test("columns are as wide as they need, and lines end without blanks", () => {
    expect(
      table(
        ["NAME", "TYPE"],
        [
          ["frontend", "calico"],
          ["b", ""],
        ],
        plain,
      ),
    ).toBe("NAME       TYPE\nfrontend   calico\nb\n");
  });

  test("a terminal's width is kept by cutting the widest column", () => {
    const lines = table(["NAME", "LABELS"], [["web", "x".repeat(50)]], { columns: 30, color: false }).split("\n");
    expect(lines[1]).toBe(`web    ${"x".repeat(22)}…`);
  });

  test("nothing is cut where there is no terminal", () => {
    expect(table(["A"], [["x".repeat(500)]], plain)).toContain("x".repeat(500));
  });

  test("columns stay readable on a tiny terminal", () => {
    const lines = table(["A", "B"], [["x".repeat(20), "y".repeat(20)]], { columns: 5, color: false }).split("\n");
    expect(lines[1]).toBe("xxxxxxx…   yyyyyyy…");
  });

  test("the head is bold in colour", () => {
    expect(table(["A"], [["b"]], { columns: 80, color: true })).toBe("\u001B[1mA\u001B[22m\nb\n");
  });

  test("control characters are spelled out", () => {
    expect(table(["A"], [["x\u001B[2J\ny"]], plain)).toBe("A\nx\\u001b[2J\\u000ay\n");
  });
});

describe("text", () => {
  test.each([
    ["abc", 3],
    ["日本", 4],
    ["é", 1],
    ["e\u0301", 1],
    ["🐳", 2],
  ])("%s is %d cells wide", (text, cells) => {
    expect(displayWidth(text)).toBe(cells);
  });

  test("wide characters are not cut in half", () => {
    expect(truncate("日本語", 4)).toBe("日…");
  });

  test("direction overrides are spelled out", () => {
    expect(printable("a\u202Eb")).toBe(String.raw`a\u202eb`);
  });
});
