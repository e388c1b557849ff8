import { expect, test } from "@jest/globals";
import { isOurs, unitText } from "../../../../src/agent/service/unit.ts";

const line = (name: string, command: readonly string[], environment = {}): string =>
  unitText({ command, environment })
    .split("\n")
    .find((one) => one.startsWith(`${name}=`)) ?? "";

test("a unit is known as ours, and tells readiness", () => {
  const text = unitText({ command: ["/usr/bin/node", "/opt/calicoctl"], environment: {} });
  expect(isOurs(text)).toBe(true);
  expect(isOurs("[Unit]\n")).toBe(false);
  expect(text).toContain("Type=notify\n");
  expect(text).not.toContain("Environment=");
});

test.each([
  [["/usr/bin/node", "--name=a.b_c"], "ExecStart=/usr/bin/node --name=a.b_c"],
  [["/opt/my tools/node"], 'ExecStart="/opt/my tools/node"'],
  [["/x", "100%", "$HOME", 'a"b\\c', "a;b"], String.raw`ExecStart=/x 100%% "$$HOME" "a\"b\\c" "a;b"`],
  [["/x", ""], 'ExecStart=/x ""'],
])("%j stands for itself", (command, text) => {
  expect(line("ExecStart", command)).toBe(text);
});

test("so does what is in its environment", () => {
  expect(line("Environment", ["/x"], { DOCKER_HOST: "unix:///a b%$" })).toBe(
    'Environment="DOCKER_HOST=unix:///a b%%$"',
  );
});

test.each(["a\nExecStartPre=/bin/evil", "\u0000", "\u007f"])("%j cannot be in a unit", (text) => {
  expect(() => unitText({ command: ["/x", text], environment: {} })).toThrow(
    expect.objectContaining({ code: "usage" }),
  );
});
