/**
 * Settings of the host without which containers reach nothing. What they were is written down before the first change,
 * in a directory that a reboot empties (as it undoes the changes), and put back when the last endpoint has gone.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../../base/errors.ts";
import { failpoint } from "../../base/failpoint.ts";
import { listSysctls, readSysctl, writeSysctl } from "../../dataplane/sysctl.ts";
import type { Family } from "../../base/address.ts";

/** One setting: where it is below /proc/sys/net, what it was, and what we made of it. */
interface Setting {
  readonly path: readonly string[];
  readonly was: string;
  readonly set: string;
}

const FORWARDING: Record<Family, readonly string[]> = {
  4: ["ipv4", "ip_forward"],
  6: ["ipv6", "conf", "all", "forwarding"],
};

/** Which families the host does not route, though endpoints have addresses of them. */
export const notForwarding = (families: ReadonlySet<Family>): Family[] =>
  [...families].filter((family) => readSysctl(FORWARDING[family]) === "0");

/** Lets the host route the families. Idempotent. Errors: `failure` when the state directory cannot be written. */
export function ensureForwarding(stateDir: string, families: ReadonlySet<Family>): void {
  const off = notForwarding(families);
  if (off.length === 0) return;
  const wanted: Setting[] = off.flatMap((family) => [
    ...(family === 6 ? keptRouterAdvertisements() : []),
    { path: FORWARDING[family], was: "0", set: "1" },
  ]);
  const known = load(stateDir);
  const isKnown = (setting: Setting): boolean => known.some(({ path }) => path.join() === setting.path.join());
  save(stateDir, [...known, ...wanted.filter((setting) => !isKnown(setting))]);
  failpoint("calico:settings-known");
  for (const { path, set } of wanted) writeSysctl(path, set);
}

/** Puts back what was changed, unless somebody has changed it since. Idempotent. Returns whether anything was. */
export function restoreSettings(stateDir: string): boolean {
  const settings = load(stateDir);
  // Forwarding last to come was first to go on: accept_ra must not fall back to 1 while forwarding is still on.
  for (const { path, was, set } of settings.toReversed()) if (readSysctl(path) === set) writeSysctl(path, was);
  failpoint("calico:settings-restored");
  rmSync(fileIn(stateDir), { force: true });
  return settings.length > 0;
}

/**
 * A host that routes IPv6 stops believing router advertisements where accept_ra is 1, and would lose its own default
 * route; 2 keeps them (Documentation/networking/ip-sysctl.rst).
 */
function keptRouterAdvertisements(): Setting[] {
  return listSysctls(["ipv6", "conf"])
    .filter((name) => name !== "all" && name !== "lo" && !name.startsWith("cali"))
    .map((name) => ["ipv6", "conf", name, "accept_ra"])
    .filter((path) => readSysctl(path) === "1")
    .map((path) => ({ path, was: "1", set: "2" }));
}

const fileIn = (stateDir: string): string => join(stateDir, "host-settings.json");

function load(stateDir: string): Setting[] {
  try {
    return JSON.parse(readFileSync(fileIn(stateDir), "utf8")) as Setting[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function save(stateDir: string, settings: readonly Setting[]): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const draft = `${fileIn(stateDir)}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(settings), { mode: 0o600 });
    renameSync(draft, fileIn(stateDir));
  } catch (error) {
    throw failure(`cannot write down the settings of the host in ${stateDir}: ${(error as Error).message}`);
  }
}
