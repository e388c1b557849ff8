import { describe, expect, test } from "@jest/globals";
import { derivedId, isId, newId } from "../../../src/base/id.ts";

describe("ids", () => {
  test("are 64 hex characters and never the same", () => {
    expect(isId(newId())).toBe(true);
    expect(newId()).not.toBe(newId());
  });

  test("derived from facts are stable, and the facts do not run into each other", () => {
    expect(derivedId("a", "bc")).toBe(derivedId("a", "bc"));
    expect(derivedId("a", "bc")).not.toBe(derivedId("ab", "c"));
  });
});
