import { describe, expect, test } from "@jest/globals";
import { choose } from "../../../scripts/picture/choose.ts";
import { styled } from "../../../scripts/picture/styled.ts";
import { draw } from "../../../scripts/picture/svg.ts";

describe("what a terminal received", () => {
  test("is lines of text in styles", () => {
    expect(styled("\u001B[1mTwo\u001B[22m words\r\n\u001B[32m✓\u001B[39m done\r\n")).toEqual([
      [{ text: "Two", style: "bold" }, { text: " words" }],
      [{ text: "✓", style: "green" }, { text: " done" }],
    ]);
  });

  test.each(["a\u001B[2Jb", "10 %\r20 %", "\u001B]0;title\u0007"])("%j cannot be drawn", (text) => {
    expect(() => styled(text)).toThrow("cannot be drawn");
  });
});

describe("the parts that are shown", () => {
  test("a section that is missing is an error, so that the picture is never empty by chance", () => {
    expect(() => choose(styled("Two networks\n$ calicoctl network create a"))).toThrow("A service for each container");
  });

  test("a section with nothing to show is an error", () => {
    expect(() => choose(styled("Two networks\nnone\n"))).toThrow('"Two networks" has nothing');
  });
});

describe("the drawing", () => {
  const texts = (svg: string): string[] =>
    [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text = ""]) => text);

  test("places the columns of a table by themselves and keeps single blanks", () => {
    const svg = draw(styled("A B    C"), "title");
    expect(texts(svg)).toEqual(["A B", "C"]);
    expect(svg).toContain('<text x="20" y="34.25" textLength="24">');
    expect(svg).toContain('<text x="76" y="34.25" textLength="8">');
  });

  test("cuts what is wider than the terminal", () => {
    expect(texts(draw(styled("x".repeat(101)), "title"))).toEqual([`${"x".repeat(99)}…`]);
    expect(texts(draw(styled("x".repeat(100)), "title"))).toEqual(["x".repeat(100)]);
  });

  test("text is never markup", () => {
    expect(draw(styled("a <b> & c"), "<t>")).toContain(">a &lt;b&gt; &amp; c</text>");
  });
});
