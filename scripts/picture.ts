/**
 * Runs the quickstart in a terminal of its own and draws the telling part of what it said:
 * `node scripts/run.mjs scripts/picture.ts` writes docs/pictures/quickstart.svg. Fails, and writes nothing, when the
 * quickstart does.
 */
import { writeFileSync } from "node:fs";
import { execa } from "execa";
import { choose } from "./picture/choose.ts";
import { styled } from "./picture/styled.ts";
import { columns, draw } from "./picture/svg.ts";

const file = "docs/pictures/quickstart.svg";
const command = "npm run quickstart";

// The output of a pipe has no colours, so script(1) lends a terminal, which is born without a size.
const run = ["--quiet", "--return", "--command", `stty columns ${columns}; npm run --silent quickstart`, "/dev/null"];
const { stdout } = await execa("script", run, { stdin: "ignore", env: { TERM: "xterm-256color" } });
const lines = [[{ text: "$ ", style: "dim" }, { text: command }] as const, ...choose(styled(stdout))];
writeFileSync(file, draw(lines, `A terminal that has run ${command}`));
