import { describe, expect, test } from "@jest/globals";
import { argument, argumentList, optionalArgument, readArguments } from "../../../src/cli/arguments.ts";

const detach = { container: optionalArgument("CONTAINER", ""), service: argument("SERVICE", "") };

describe("readArguments", () => {
  test("an optional argument before a required one gets a word only when there is one to spare", () => {
    expect(readArguments(detach, ["web"], "")).toEqual({ container: undefined, service: "web" });
    expect(readArguments(detach, ["c1", "web"], "")).toEqual({ container: "c1", service: "web" });
  });

  test("a list takes all that is left", () => {
    const rm = { networks: argumentList("NETWORK", "") };
    expect(readArguments(rm, ["a", "b", "c"], "")).toEqual({ networks: ["a", "b", "c"] });
  });

  test("a missing word is named", () => {
    expect(() => readArguments(detach, [], "usage line")).toThrow("SERVICE is missing");
    expect(() => readArguments({ networks: argumentList("NETWORK", "") }, [], "")).toThrow("NETWORK is missing");
  });

  test("a word too many is named", () => {
    expect(() => readArguments(detach, ["a", "b", "c"], "")).toThrow('too many arguments: "c"');
  });

  test("a word that is no choice is refused", () => {
    const shell = { shell: argument("SHELL", "", { choices: ["bash"] }) };
    expect(() => readArguments(shell, ["ksh"], "")).toThrow('SHELL: "ksh" is none of bash');
  });
});
