/**
 * Settings of the host without which containers reach nothing. What they were is written down before the first change,
 * in a directory that a reboot empties (as it undoes the changes), and put back when the last driver that uses them has
 * gone.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { failure } from "../base/errors.ts";
import { failpoint } from "../base/failpoint.ts";
import { listSysctls, readSysctl, writeSysctl } from "../dataplane/sysctl.ts";
import type { Family } from "../base/address.ts";
import type { Difference } from "./driver.ts";
import { isNamedAsOurs } from "./interface-names.ts";

/** Where a setting is below /proc/sys/net, and what it was. */
interface Former {
  readonly path: readonly string[];
  readonly was: string;
}

interface Setting extends Former {
  /** What we made of it. */
  readonly set: string;
  /** What the kernel changes with it, and does not change back. */
  readonly others?: readonly Former[];
}

const FORWARDING: Record<Family, readonly string[]> = {
  4: ["ipv4", "ip_forward"],
  6: ["ipv6", "conf", "all", "forwarding"],
};

const FAMILIES: readonly Family[] = [4, 6];

/** Which families the host does not route, though endpoints have addresses of them. */
const notForwarding = (families: ReadonlySet<Family>): Family[] =>
  [...families].filter((family) => readSysctl(FORWARDING[family]) === "0");

const LOST =
  "was emptied, or is not the one that was in use when endpoints were attached here: " +
  "the host's settings will stay as they are now";

/** The settings as one driver uses them. */
export class HostSettings {
  readonly #stateDir: string;
  readonly #driver: string;

  constructor(stateDir: string, driver: string) {
    this.#stateDir = stateDir;
    this.#driver = driver;
  }

  /** Lets the host route the families. Idempotent. Errors: `failure` when the state directory cannot be written. */
  ensureForwarding(families: ReadonlySet<Family>): void {
    const stateDir = this.#stateDir;
    for (const family of notForwarding(families)) {
      const wanted: Setting[] = [
        ...(family === 6 ? keptRouterAdvertisements() : []),
        { path: FORWARDING[family], was: "0", set: "1", others: changedWith(family) },
      ];
      const known = load(stateDir, family);
      const isKnown = (setting: Setting): boolean => known.some(({ path }) => path.join() === setting.path.join());
      save(stateDir, family, [...known, ...wanted.filter((setting) => !isKnown(setting))]);
      failpoint(`${this.#driver}:settings-known`);
      for (const { path, set } of wanted) writeSysctl(path, set);
    }
  }

  /**
   * Whether the directory was in use when the first endpoint of the driver was attached, so that what it does not say
   * was not changed. Else it was emptied meanwhile, or is another one.
   */
  get isOnRecord(): boolean {
    return existsSync(markerIn(this.#stateDir, this.#driver));
  }

  /** What the directory does not say by now counts as not changed. Errors: as of `ensureForwarding`. */
  putOnRecord(): void {
    attempt(this.#stateDir, () => writeFileSync(markerIn(this.#stateDir, this.#driver), "", { mode: 0o600 }));
  }

  /** What is to be said when endpoints stand that the directory knows nothing of. */
  get lost(): { readonly object: string; readonly what: string } {
    return { object: `the state directory ${this.#stateDir}`, what: LOST };
  }

  /**
   * Puts back what was changed, unless somebody has changed it since, or another driver still uses it. Idempotent.
   * Returns whether anything was.
   */
  restore(): boolean {
    const isShared = markers(this.#stateDir).some((marker) => marker !== markerIn(this.#stateDir, this.#driver));
    const wasChanged = !isShared && restoreSettings(this.#stateDir, this.#driver);
    rmSync(markerIn(this.#stateDir, this.#driver), { force: true });
    return wasChanged;
  }

  /** Whether there is anything to put back that no other driver sees to. */
  get isLeftOver(): boolean {
    const isOthers = !this.isOnRecord && markers(this.#stateDir).length > 0;
    return !isOthers && FAMILIES.some((family) => existsSync(fileIn(this.#stateDir, family)));
  }

  /** How the host's settings are not as endpoints with addresses of the families need them. */
  differences(families: ReadonlySet<Family>): Difference[] {
    const settings: Difference[] = notForwarding(families).map((family) => ({
      object: `IPv${family} forwarding`,
      what: "is off on this host",
      repair: () => this.ensureForwarding(families),
    }));
    if (families.size === 0 || this.isOnRecord) return settings;
    return [...settings, { ...this.lost, repair: () => this.putOnRecord() }];
  }
}

/** Puts back what was changed, unless somebody has changed it since. Returns whether anything was. */
function restoreSettings(stateDir: string, driver: string): boolean {
  const settings = FAMILIES.flatMap((family) => load(stateDir, family));
  // Forwarding last to come was first to go on: accept_ra must not fall back to 1 while forwarding is still on.
  for (const { path, was, set, others = [] } of settings.toReversed()) {
    if (readSysctl(path) === set) writeSysctl(path, was);
    if (readSysctl(path) !== was) continue;
    for (const other of others) if (readSysctl(other.path) !== undefined) writeSysctl(other.path, other.was);
  }
  failpoint(`${driver}:settings-restored`);
  for (const family of FAMILIES) rmSync(fileIn(stateDir, family), { force: true });
  return settings.length > 0;
}

/**
 * With forwarding, the kernel switches that of every interface, and IPv4's acceptance of redirects the other way
 * (Documentation/networking/ip-sysctl.rst, ip_forward). Only what going back would leave wrong.
 */
function changedWith(family: Family): Former[] {
  const root = [`ipv${family}`, "conf"];
  const interfaces = listSysctls(root).filter((name) => name !== "all" && !isNamedAsOurs(name));
  return [
    ...interfaces.map((name) => ({ path: [...root, name, "forwarding"], was: "1" })),
    ...(family === 4 ? [{ path: [...root, "all", "accept_redirects"], was: "0" }] : []),
  ].filter(({ path, was }) => readSysctl(path) === was);
}

/**
 * A host that routes IPv6 stops believing router advertisements where accept_ra is 1, and would lose its own default
 * route; 2 keeps them (Documentation/networking/ip-sysctl.rst).
 */
function keptRouterAdvertisements(): Setting[] {
  return listSysctls(["ipv6", "conf"])
    .filter((name) => name !== "all" && name !== "lo" && !isNamedAsOurs(name))
    .map((name) => ["ipv6", "conf", name, "accept_ra"])
    .filter((path) => readSysctl(path) === "1")
    .map((path) => ({ path, was: "1", set: "2" }));
}

// One for each family, so that two processes at once that need different ones do not write over each other.
const fileIn = (stateDir: string, family: Family): string => join(stateDir, `host-settings-ipv${family}.json`);

/** Says that the driver uses the settings. */
const markerIn = (stateDir: string, driver: string): string => join(stateDir, `${MARKER}${driver}`);

const MARKER = "host-settings-of-";

/** Those of all drivers that use the settings. */
const markers = (stateDir: string): string[] =>
  existsSync(stateDir)
    ? readdirSync(stateDir)
        .filter((name) => name.startsWith(MARKER))
        .map((name) => join(stateDir, name))
    : [];

function load(stateDir: string, family: Family): Setting[] {
  const file = fileIn(stateDir, family);
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Setting[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw failure(
      `cannot read what the settings of the host were: ${file}: ${(error as Error).message}`,
      "look at it; when it is removed, calicoctl leaves the settings as they are",
      error,
    );
  }
}

function save(stateDir: string, family: Family, settings: readonly Setting[]): void {
  attempt(stateDir, () => {
    const draft = `${fileIn(stateDir, family)}.${process.pid}`;
    writeFileSync(draft, JSON.stringify(settings), { mode: 0o600 });
    renameSync(draft, fileIn(stateDir, family));
  });
}

function attempt(stateDir: string, write: () => void): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    write();
  } catch (error) {
    throw failure(
      `cannot write down the settings of the host in ${stateDir}: ${(error as Error).message}`,
      "make room and make it writable, or name another directory with --state-dir",
      error,
    );
  }
}
