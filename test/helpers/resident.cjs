"use strict";
// Runs command lines of calicoctl one after another in one process: each line of standard input is one (a JSON array of
// [number, argument...]), each line of standard output its end. Ends with its standard input.
const { setMaxListeners } = require("node:events");
const { createInterface } = require("node:readline");
const { load } = require("../../dist/start.cjs");
const { run } = load("run");
const { openController } = load("open");

const never = new AbortController().signal;
// As many as there are commands at once.
setMaxListeners(0, never);
let controller;

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const [number, ...argv] = JSON.parse(line);
    const said = { stdout: "", stderr: "" };
    const code = await run(argv, {
      env: process.env,
      terminal: {
        interactive: false,
        columns: undefined,
        color: false,
        out: (text) => (said.stdout += text),
        err: (text) => (said.stderr += text),
      },
      interrupted: never,
      // One for all, so that what it holds open is opened once.
      open: async (settings) => (controller ??= openController(settings, never, () => {})),
    });
    process.stdout.write(`${JSON.stringify({ number, code, ...said })}\n`);
  })
  .on("close", () => process.exit(0));
