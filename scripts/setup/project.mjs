import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { step } from "./step.mjs";

/**
 * `npm ci`, when node_modules is not what package-lock.json asks for.
 * @returns {Promise<void>}
 */
export async function installPackages() {
  if (packagesAreCurrent()) return;
  await step("installing npm packages", "npm", ["ci", "--no-audit", "--no-fund"]);
}

/** npm keeps what it installed in a lock file of its own; a package for another kind of machine may be missing. */
function packagesAreCurrent() {
  const installed = "node_modules/.package-lock.json";
  if (!existsSync(installed)) return false;
  const have = lockedPackages(installed);
  return Object.entries(lockedPackages("package-lock.json")).every(([path, wanted]) => {
    if (path === "") return true;
    const found = have[path];
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>} by path
 */
function lockedPackages(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/**
 * Builds dist, when a source is newer than it.
 * @returns {Promise<void>}
 */
export async function buildProject() {
  const built = existsSync("dist") ? times("dist") : [];
  const sources = ["src", "scripts/build", "scripts/build.ts", "package-lock.json"].flatMap(times);
  if (built.length > 0 && Math.min(...built) >= Math.max(...sources)) return;
  await step("building", process.execPath, ["scripts/run.mjs", "scripts/build.ts"]);
}

/**
 * @param {string} path a file, or a folder to look into
 * @returns {number[]} when each file was last changed, in milliseconds since 1970
 */
function times(path) {
  const found = statSync(path);
  if (!found.isDirectory()) return [found.mtimeMs];
  return readdirSync(path).flatMap((name) => times(join(path, name)));
}
