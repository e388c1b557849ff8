/** The scripts in the shells themselves, at a terminal. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { completionScript } from "../../../../src/cli/completion/scripts.ts";

const directory = mkdtempSync(join(tmpdir(), "calicoctl-completion-"));
const real = join(directory, "real");
const fake = join(directory, "fake");
afterAll(() => rmSync(directory, { recursive: true }));

beforeAll(() => {
  mkdirSync(real);
  symlinkSync(resolve("bin/calicoctl"), join(real, "calicoctl"));
  mkdirSync(fake);
  const program = `#!/bin/sh
for last; do :; done
for word in netns:blue web.frontend w. --output=json; do
  case $word in "$last"*) echo "$word" ;; esac
done
`;
  writeFileSync(join(fake, "calicoctl"), program);
  chmodSync(join(fake, "calicoctl"), 0o755);
  for (const shell of ["bash", "zsh", "fish"]) writeFileSync(join(directory, shell), completionScript(shell));
});

const shells = {
  bash: { command: "bash --norc --noprofile -i", start: "" },
  zsh: { command: "zsh -f -i", start: "bindkey -e; autoload -Uz compinit; compinit -u -D;" },
};

/** Types a line, presses the tabulator, and has the shell print what has become of the line. */
async function completed(shell: keyof typeof shells, path: string, line: string): Promise<string> {
  const { command, start } = shells[shell];
  const terminal = spawn("script", ["-qec", command, "/dev/null"], {
    env: { PATH: `${path}:${process.env["PATH"]}`, HOME: directory, TERM: "dumb" },
  });
  try {
    let seen = "";
    const shown = async (pattern: RegExp): Promise<string> =>
      new Promise((found, failed) => {
        const look = (): void => {
          const match = pattern.exec(seen);
          if (match !== null) found(match[1] ?? "");
        };
        terminal.stdout.on("data", look);
        terminal.on("close", () => failed(new Error(`the shell ended: ${seen}`)));
        look();
      });
    terminal.stdout.on("data", (part: Buffer) => (seen += part.toString()));
    terminal.stdin.write(`${start} source ${directory}/${shell}; echo rea''dy\n`);
    await shown(/^(ready)/m);
    // Control-A goes back to the beginning of the line.
    terminal.stdin.write(`${line}\t\u0001echo "RE""SULT:" \n`);
    return await shown(/^RESULT: ([^\r\n]*)/m);
  } finally {
    terminal.kill("SIGKILL");
  }
}

async function fish(path: string, line: string): Promise<string[]> {
  const shell = spawn("fish", ["--no-config", "-c", `source ${directory}/fish; complete -C ${JSON.stringify(line)}`], {
    env: { PATH: `${path}:${process.env["PATH"]}`, HOME: directory },
  });
  let out = "";
  shell.stdout.on("data", (part: Buffer) => (out += part.toString()));
  await new Promise((ended) => shell.on("close", ended));
  return out.split("\n").filter((offer) => offer !== "");
}

describe.each(["bash", "zsh"] as const)("%s", (shell) => {
  test.each([
    ["calicoctl netw", "calicoctl network"],
    ["calicoctl network cr", "calicoctl network create"],
    ["calicoctl network ls --no-t", "calicoctl network ls --no-trunc"],
    ["calicoctl network ls -o y", "calicoctl network ls -o yaml"],
  ])("%s", async (line, expected) => {
    expect(await completed(shell, real, line)).toBe(expected);
  });

  test.each([
    ["calicoctl service attach net", "calicoctl service attach netns:blue"],
    ["calicoctl service attach netns:b", "calicoctl service attach netns:blue"],
    ["calicoctl network ls --output=j", "calicoctl network ls --output=json"],
    ["calicoctl service info web", "calicoctl service info web.frontend"],
  ])("%s, by names that the program knows", async (line, expected) => {
    expect(await completed(shell, fake, line)).toBe(expected);
  });
});

describe("fish", () => {
  test("commands with what they do", async () => {
    expect(await fish(real, "calicoctl netw")).toEqual(["network\tNetworks: groups of services that reach each other"]);
  });

  test("options and their values", async () => {
    expect(await fish(real, "calicoctl network ls -o ")).toEqual(
      expect.arrayContaining(["json", "name", "table", "wide", "yaml"]),
    );
  });

  test("names", async () => {
    expect(await fish(fake, "calicoctl service attach netns:b")).toEqual(["netns:blue"]);
  });
});
