/** A node as a service of systemd. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { conflict, failure, notFound } from "../../base/errors.ts";
import { runProgram } from "../program.ts";
import { stopNode } from "../process/running.ts";
import { type UnitFacts, isOurs, unitName, unitText } from "./unit.ts";

/** A start may have to wait for the store. */
const SYSTEMCTL_TIMEOUT_MS = 90_000;

export interface Where {
  /** The directory that stands for `/`: for an image that is being built, of which no systemd runs. */
  readonly root: string;
  /** Even when somebody else has made the unit. */
  readonly force: boolean;
}

export interface Service {
  /** The file of the unit. */
  readonly unit: string;
  /** Whether systemd was told. */
  readonly active: boolean;
}

/**
 * Writes the unit. Where systemd runs, the service is enabled and started, in place of a node that runs without it.
 * Errors: `conflict` for a unit of somebody else's, `failure` when it cannot be written or does not start.
 */
export async function installService(facts: UnitFacts, stateDir: string, where: Where): Promise<Service> {
  const unit = fileBelow(where);
  const text = unitText(facts);
  mustBeOurs(unit, where.force);
  try {
    mkdirSync(dirname(unit), { recursive: true });
    writeFileSync(`${unit}.draft`, text, { mode: 0o644 });
    renameSync(`${unit}.draft`, unit);
  } catch (error) {
    throw failure(`cannot write ${unit}: ${(error as Error).message}`, undefined, error);
  }
  if (!hasSystemd(where)) return { unit, active: false };
  await systemctl("daemon-reload");
  await systemctl("enable", unitName);
  await systemctl("stop", unitName);
  await stopNode(stateDir);
  await systemctl("start", unitName);
  return { unit, active: true };
}

/**
 * Stops the service and takes its unit away; what the node made in the kernel stays. Errors: `not-found`, `conflict` for
 * a unit of somebody else's.
 */
export async function uninstallService(where: Where): Promise<Service> {
  const unit = fileBelow(where);
  if (!existsSync(unit)) throw notFound(`there is no ${unit}`, "calicoctl node service install makes it");
  mustBeOurs(unit, where.force);
  if (hasSystemd(where)) await systemctl("disable", "--now", unitName);
  rmSync(unit, { force: true });
  if (hasSystemd(where)) await systemctl("daemon-reload");
  return { unit, active: false };
}

const fileBelow = ({ root }: Where): string => join(root, "etc/systemd/system", unitName);

/** As sd_booted(3) tells. */
const hasSystemd = ({ root }: Where): boolean => root === "/" && existsSync("/run/systemd/system");

const systemctl = (...words: string[]): Promise<string> => runProgram("systemctl", words, SYSTEMCTL_TIMEOUT_MS);

function mustBeOurs(unit: string, force: boolean): void {
  if (force || !existsSync(unit) || isOurs(readFileSync(unit, "utf8"))) return;
  throw conflict(`${unit} was made by somebody else`, "look at it, and insist with --force");
}
