import type * as NodeCrypto from "node:crypto";

// Fetched when it is needed: it costs every command that makes no id a twentieth of its start.
const crypto = (): typeof NodeCrypto => process.getBuiltinModule("node:crypto");

/** A new id of the model: 64 lower-case hex characters. */
export const newId = (): string => crypto().randomBytes(32).toString("hex");

/** The id that follows from facts, the same each time: 64 lower-case hex characters. */
export const derivedId = (...facts: string[]): string =>
  crypto().createHash("sha256").update(facts.join("\0")).digest("hex");

/** How people see an id: its first 12 characters, as Docker does. */
export const shortId = (id: string): string => id.slice(0, 12);

export const isId = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** Whether `text` could be the beginning of an id. */
export const isIdPrefix = (text: string): boolean => /^[0-9a-f]{1,64}$/.test(text);

/** A locally administered MAC that follows from the id, so that it is the same wherever the endpoint goes. */
export const derivedMac = (id: string): string => `02:${(id.slice(0, 10).match(/../g) ?? []).join(":")}`;
