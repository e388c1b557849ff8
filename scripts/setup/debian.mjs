import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupError, step } from "./step.mjs";

const policy = "/usr/sbin/policy-rc.d";
const policyText =
  "#!/bin/sh\n# Made by the setup of calicoctl while it installs packages; may be deleted.\nexit 101\n";

/**
 * Installs the packages of those commands that are not there. No service that comes with a package is started.
 * @param {Record<string, string>} packageOf by command
 * @returns {Promise<void>}
 */
export async function installCommands(packageOf) {
  const missing = Object.keys(packageOf).filter((command) => !isThere(command));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((command) => packageOf[command] ?? command))];
  if (!isThere("apt-get"))
    throw new SetupError(
      `not found: ${missing.join(", ")}, and this machine has no apt-get to install them with.\n` +
        `Install what brings them (in Debian: ${packages.join(" ")}), then run this again.`,
    );
  const env = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" };
  const options = ["--quiet", "--option", "DPkg::Lock::Timeout=300"];
  await step("reading Debian's package lists", "apt-get", [...options, "update"], env);
  const install = ["install", "--yes", "--no-install-recommends", ...packages];
  const unblock = blockServices();
  try {
    await step(`installing ${packages.join(" ")}`, "apt-get", [...options, ...install], env);
  } finally {
    unblock();
  }
  const still = missing.filter((command) => !isThere(command));
  if (still.length > 0)
    throw new SetupError(`installed ${packages.join(" ")}, but still not found: ${still.join(", ")}.`);
}

/** @param {string} command a program, or a program and one of its parts */
function isThere(command) {
  const [program = "", part] = command.split(" ");
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  if (!folders.some((folder) => isExecutable(join(folder, program)))) return false;
  return part === undefined || spawnSync(program, [part, "--help"]).status !== 127;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Debian asks policy-rc.d before it starts a service. A machine's own policy stands; ours is there for the
 * installation alone, and one that a killed setup left behind goes too.
 * @returns {() => void} takes it away again
 */
function blockServices() {
  if (existsSync(policy) && readFileSync(policy, "utf8") !== policyText) return () => undefined;
  writeFileSync(policy, policyText, { mode: 0o755 });
  const remove = () => rmSync(policy, { force: true });
  const stop = () => {
    remove();
    process.exit(130);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.once(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
    remove();
  };
}
