/** One thing that a node needs or could use, and how this host stands. */
export interface SystemRow {
  readonly name: string;
  /** "missing" is what nothing works without; a "warning" costs a part. */
  readonly state: "ok" | "warning" | "missing";
  /** What is there. */
  readonly found: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export const ok = (name: string, found: string): SystemRow => ({ name, state: "ok", found });

export const warning = (name: string, found: string, remedy: string): SystemRow => ({
  name,
  state: "warning",
  found,
  remedy,
});

export const missing = (name: string, found: string, remedy: string): SystemRow => ({
  name,
  state: "missing",
  found,
  remedy,
});

/** Ok with what `look` found, or what went wrong in its own words. */
export async function rowOf(
  name: string,
  look: () => string | Promise<string>,
  otherwise: (found: string) => SystemRow,
): Promise<SystemRow> {
  try {
    return ok(name, await look());
  } catch (error) {
    return otherwise(error instanceof Error ? error.message : String(error));
  }
}
