import { createHash } from "node:crypto";

/** Twelve hex digits that follow from `facts`, which must be plain values. */
export const fingerprint = (facts: unknown): string =>
  createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, 12);
