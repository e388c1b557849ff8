import { spawn } from "node:child_process";

/** Setup cannot go on; the message tells a person what to do. */
export class SetupError extends Error {}

/**
 * Runs a command that may take long: one line that tells what is being done (with a running clock in a terminal), its
 * output only if it fails.
 * @param {string} title
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env] added to this process's
 * @returns {Promise<void>}
 */
export async function step(title, command, args, env = {}) {
  const began = Date.now();
  const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
  const terminal = process.stderr.isTTY;
  if (!terminal) process.stderr.write(`setup: ${title}\n`);
  const clock = terminal ? setInterval(() => process.stderr.write(`\rsetup: ${title} … ${seconds()}`), 200) : undefined;
  try {
    await run(command, args, env);
  } catch (error) {
    throw new SetupError(`${title} failed.\n${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearInterval(clock);
    if (terminal) process.stderr.write("\r\u001B[K");
  }
  process.stderr.write(`setup: ${title}: done in ${seconds()}\n`);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<void>}
 */
function run(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      return reject(new Error(`${[command, ...args].join(" ")}: ${signal ?? `exit code ${code}`}\n${ends(output)}`));
    });
  });
}

/**
 * The start and the end of a long text: some programs tell the cause first (npm, before its usage), some last (apt).
 * @param {string} text
 * @returns {string}
 */
function ends(text) {
  const lines = text.trimEnd().split("\n");
  return (lines.length <= 40 ? lines : [...lines.slice(0, 15), "…", ...lines.slice(-25)]).join("\n");
}
