import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ClosedChain } from "../../src/dataplane/nftables/foreign.ts";

/** All that the quickstart keeps is below this folder; while it is there, a quickstart stands or runs. */
export const folder = "/run/calicoctl-quickstart";

/** What taking down needs to know. */
export interface State {
  /** The host's network before, as text. */
  readonly before: string;
  /** Whether Docker is part of it. */
  readonly docker: boolean;
  /** The chains of the host's own firewall that let no container through. */
  readonly closed: readonly ClosedChain[];
  /** The variables that tell calicoctl where the store is. */
  readonly environment: Readonly<Record<string, string>>;
  /** The process of the etcd that was started for this, if none was configured. */
  readonly etcd?: number;
}

const file = join(folder, "state.json");

export const stands = (): boolean => existsSync(folder);

/** Undefined when a quickstart died before it had touched anything. */
export const readState = (): State | undefined =>
  existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as State) : undefined;

export function writeState(state: State): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
}

export const forget = (): void => rmSync(folder, { recursive: true, force: true });
