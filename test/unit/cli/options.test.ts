import { describe, expect, test } from "@jest/globals";
import { flag, flagOf, integer, list, pairs, readOptions, text } from "../../../src/cli/options.ts";

const declared = {
  force: flag(""),
  ip: text("IP", ""),
  alias: list("NAME", ""),
  label: pairs("K=V", ""),
  priority: integer("N", "", { least: -5, most: 5 }),
};

describe("readOptions", () => {
  test("what was not given has a value of the right kind", () => {
    expect(readOptions(declared, {})).toEqual({
      force: false,
      ip: undefined,
      alias: [],
      label: {},
      priority: undefined,
    });
  });

  test("what was given is read", () => {
    const raw = { force: true, ip: "10.0.0.1", alias: ["a", "b"], label: ["a=1=2", "b="], priority: "-3" } as const;
    expect(readOptions(declared, raw)).toEqual({
      force: true,
      ip: "10.0.0.1",
      alias: ["a", "b"],
      label: { a: "1=2", b: "" },
      priority: -3,
    });
  });

  test.each(["", "x", "1.5", "1e3", "6", "-6", " 1", "9".repeat(400)])("%j is no priority", (priority) => {
    expect(() => readOptions(declared, { priority })).toThrow("--priority");
  });

  test.each(["x", "=x", ""])("%j is no label", (label) => {
    expect(() => readOptions(declared, { label: [label] })).toThrow("--label");
  });

  test("a label that is given twice must say the same", () => {
    expect(readOptions(declared, { label: ["a=1", "a=1"] }).label).toEqual({ a: "1" });
    expect(() => readOptions(declared, { label: ["a=1", "a=2"] })).toThrow("given twice");
  });

  test("__proto__ is a label like any other", () => {
    expect(Object.entries(readOptions(declared, { label: ["__proto__=x"] }).label)).toEqual([["__proto__", "x"]]);
  });

  test("an empty value is refused", () => {
    expect(() => readOptions(declared, { ip: "" })).toThrow("--ip: the value is empty");
  });
});

test("flags are kebab case", () => {
  expect(flagOf("etcdCaCertFile")).toBe("--etcd-ca-cert-file");
});
