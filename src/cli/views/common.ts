/** `a=1,b=2` */
export const pairsText = (pairs: Readonly<Record<string, string>>): string =>
  Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

/** A stored time without its fractions of a second: `2026-01-31 12:00:00Z`. */
export const when = (iso: string): string => iso.replace("T", " ").replace(/\.\d+/, "");
