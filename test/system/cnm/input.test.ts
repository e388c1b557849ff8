/** Every argument and option of every command with what should not be there: refused in words, nothing changed. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { globalOptions } from "../../../src/cli/common-options.ts";
import { flagOf } from "../../../src/cli/options.ts";
import { tree } from "../../../src/cli/tree.ts";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { worldOf } from "../../helpers/state.ts";
import { attachNew } from "./services.ts";

const USAGE = 2;
const MISSING = 3;

const bad: Record<string, string> = {
  nothing: "",
  "10,000 characters": "x".repeat(10_000),
  "10,000 dots": ".".repeat(10_000),
  "letters from elsewhere": "名前-é",
  "control characters": "a\u0001b\u001b[31mc\u0007",
  "a path": "../../etc/passwd",
  "a command": "$(id)",
  "another command": "a;id",
  "two lines": "a\nb",
  "a blank": "a b",
  "a leading dash": "-x",
  "a wildcard": "*",
  quotes: `"'`,
};

/** Good values of arguments and options by their labels, so that one bad one is the only thing wrong. */
const good: Record<string, string> = {
  NETWORK: "a",
  NAME: "new",
  SERVICE: "one.a",
  CONTAINER: "c1",
  CIDR: "10.9.0.0/24",
  IP: "10.1.0.9",
  MAC: "02:00:00:00:00:01",
};
const goodOf = (label: string): string => good[label.replace(/[^A-Z].*/, "")] ?? "one.a";

/** What takes any text, which is then only unknown or printed. */
const freeText = new Set(["completion", "__complete", "diags"]);

let host: Host;
let resident: Resident;
let one: Container;
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  one = await host.container();
  await resident.must("network", "create", "--subnet", "10.1.0.0/24", "a");
  await attachNew(resident, one, "one.a");
});
afterAll(async () => {
  await resident.close();
  await host.close();
});

async function expectRefused(words: readonly string[]): Promise<void> {
  const { code, stdout, stderr } = await resident.calicoctl(...words.map((word) => (word === "c1" ? one.ref : word)));
  const shown = words.map((word) => (word.length > 60 ? `${word.slice(0, 60)}…` : word));
  const told = { shown, code, stdout, stderr: stderr.slice(0, 500) };
  expect(told).toMatchObject({ stdout: "" });
  expect({ ...told, right: [USAGE, MISSING].includes(code) }).toMatchObject({ right: true });
  // One line and a hint, short, and nothing that would move a terminal's cursor.
  expect(told).toMatchObject({ stderr: expect.stringMatching(/^calicoctl: [^\n]+\n(hint: [^\n]+\n)?$/) });
  expect(stderr.length).toBeLessThan(1000);
  expect(stderr.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
}

const commands = tree.filter(({ path }) => !freeText.has(path[0] ?? ""));

describe.each(commands.map((command) => [command.path.join(" "), command] as const))("%s", (_, command) => {
  const labels = Object.values(command.arguments).map(({ label }) => label);
  const values = labels.map(goodOf);

  test("refuses a bad argument, one too few and one too many, and an option that it does not have", async () => {
    const before = await worldOf(host, [one]);
    for (const at of labels.keys())
      for (const value of Object.values(bad)) await expectRefused([...command.path, ...values.with(at, value)]);
    if (labels.length > 0) await expectRefused([...command.path]);
    if (!Object.values(command.arguments).some(({ variadic }) => variadic))
      await expectRefused([...command.path, ...values, "more", "words"]);
    await expectRefused([...command.path, ...values, "--no-such-option"]);
    expect(await worldOf(host, [one])).toBe(before);
  });

  test("refuses a bad value of each option, and none where one is due", async () => {
    const before = await worldOf(host, [one]);
    for (const [key, { value, repeat }] of Object.entries(command.options)) {
      if (value === undefined) continue;
      await expectRefused([...command.path, ...values, flagOf(key)]);
      // A description may be any text of one line.
      for (const text of Object.values(bad)) await expectRefused([...command.path, flagOf(key), text, ...values]);
      if (repeat) await expectRefused([...command.path, flagOf(key), "a=1", flagOf(key), "", ...values]);
    }
    for (const options of [
      ["--output", "xml"],
      ["--timeout", "soon"],
      ["--timeout", "-1"],
      ["--timeout", "0"],
    ])
      await expectRefused([...command.path, ...options, ...values]);
    expect(await worldOf(host, [one])).toBe(before);
  });
});

test("the options of the store and the node refuse what they cannot be", async () => {
  const before = await worldOf(host, [one]);
  const paths = ["config", "stateDir"];
  for (const key of Object.keys(globalOptions).filter((option) => !paths.includes(option)))
    for (const value of ["", "a\nb", "\u0001", "../../etc/passwd\u0000"])
      await expectRefused([flagOf(key), value, "network", "ls"]);
  expect(await worldOf(host, [one])).toBe(before);
});

test("bytes behind the length of a prefix, addresses of the wrong family, reserved ones", async () => {
  const before = await worldOf(host, [one]);
  for (const cidr of [
    "10.9.0.1/24",
    "10.9.0.0/33",
    "10.9.0.0",
    "010.9.0.0/24",
    "127.0.0.0/8",
    "fe80::/64",
    "224.0.0.0/8",
  ]) {
    await expectRefused(["pool", "add", cidr]);
    await expectRefused(["network", "create", "--subnet", cidr, "new"]);
  }
  for (const ip of ["10.1.0", "10.1.0.256", "fd00::1", "10.2.0.1", "1e1", "0x0a010005"])
    await expectRefused(["service", "publish", "--ip", ip, "new.a"]);
  for (const mac of ["02:00", "01:00:00:00:00:01", "00:00:00:00:00:00", "zz:00:00:00:00:01"])
    await expectRefused(["service", "publish", "--mac", mac, "new.a"]);
  for (const name of ["0123456789abcdef", "a/b", "a%d", "lo", "all", "."])
    await expectRefused(["service", "attach", "--publish", "--interface", name, "c1", "new.a"]);
  for (const priority of ["1e3", "1.5", "99999999", "high"])
    await expectRefused(["service", "attach", "--publish", "--priority", priority, "c1", "new.a"]);
  expect(await worldOf(host, [one])).toBe(before);
});
