/** A bundle of what is known of a node, for somebody who is to find out what is wrong with it. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { conflict, failure } from "../../base/errors.ts";
import { valueWithoutSecrets, withoutSecrets } from "./secrets.ts";
import { type TarEntry, tar } from "./tar.ts";

/** A file of the bundle. `gather` answers text as it is, or a value that becomes JSON. */
export interface Source {
  readonly name: string;
  gather(): unknown;
}

/** What could not be gathered, and why. */
export interface Gap {
  readonly name: string;
  readonly why: string;
}

/** Gathers each, one after the other: a source that fails is a gap, and no failure. */
export async function gather(sources: readonly Source[], now: Date): Promise<{ entries: TarEntry[]; gaps: Gap[] }> {
  const entries: TarEntry[] = [];
  const gaps: Gap[] = [];
  const add = (name: string, value: unknown): void => {
    const text = typeof value === "string" ? withoutSecrets(value) : json(valueWithoutSecrets(value));
    entries.push({ name, content: Buffer.from(text), modified: now });
  };
  for (const { name, gather: ask } of sources) {
    try {
      add(name, await ask());
    } catch (error) {
      gaps.push({ name, why: error instanceof Error ? error.message : String(error) });
    }
  }
  add("not-gathered.json", gaps);
  return { entries, gaps };
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/**
 * Writes the archive for its owner alone. UserError `conflict` when the file is there already: it is never written over,
 * and a link that somebody laid in its place is not followed.
 */
export function writeBundle(file: string, entries: readonly TarEntry[]): void {
  const archive = gzipSync(tar(entries));
  let fd: number;
  try {
    fd = openSync(file, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw conflict(`${file} exists`, "name another file");
    throw cannotWrite(file, error);
  }
  try {
    for (let rest = archive; rest.length > 0; rest = rest.subarray(writeSync(fd, rest)));
    fsyncSync(fd);
  } catch (error) {
    rmSync(file, { force: true });
    throw cannotWrite(file, error);
  } finally {
    closeSync(fd);
  }
}

const cannotWrite = (file: string, error: unknown): Error =>
  failure(`cannot write ${file}: ${(error as Error).message}`, "name a file elsewhere", error);
