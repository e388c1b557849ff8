import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { commonOptions, globalOptions } from "../../../src/cli/common-options.ts";
import { nouns, tree } from "../../../src/cli/tree.ts";
import { version } from "../../../src/cli/version.ts";

test("the version is that of the package", () => {
  expect(JSON.parse(readFileSync("package.json", "utf8"))).toMatchObject({ version });
});

test.each(tree.filter(({ hidden }) => hidden !== true).map((command) => [command.path.join(" "), command] as const))(
  "%s is described, with examples of itself, and no option means two things",
  (name, { summary, examples, options, path }) => {
    expect(summary).toMatch(/^[A-Z].*[^.]$/);
    expect(examples.map(({ command }) => command.includes(`calicoctl ${name}`))).toContain(true);
    const shorts = Object.values(options).flatMap(({ short }) => (short === undefined ? [] : [short]));
    expect(new Set(shorts).size).toBe(shorts.length);
    const shared = Object.keys({ ...commonOptions, ...globalOptions });
    expect(Object.keys(options).filter((key) => shared.includes(key))).toEqual([]);
    if (path.length === 2) expect(Object.keys(nouns)).toContain(path[0]);
  },
);
