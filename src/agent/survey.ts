/**
 * A look at all sandboxes of the node, for which the host's side is listed once. It only looks: what seems wrong, and
 * what cannot be told, is to be looked at by itself.
 */
import { giveWay } from "../base/turns.ts";
import type { Environment } from "../cnm/environment.ts";
import { manySandboxes } from "../cnm/findings.ts";
import type { SandboxRecord } from "../store/records.ts";

export interface SurveyWorld {
  /** Reads what the watches have told. */
  readonly cached: Environment;
  /** The records as the watches last told them. */
  sandboxes(): Iterable<SandboxRecord>;
  /** Told of each sandbox that is as it should be. */
  right(id: string): void;
  /** Told of each that may not be. */
  doubtful(id: string): void;
}

/** In turns with others; ends early when `signal` is aborted. */
export async function survey({ cached, sandboxes, right, doubtful }: SurveyWorld, signal: AbortSignal): Promise<void> {
  const isRight = await manySandboxes(cached);
  for (const record of sandboxes()) {
    if (signal.aborted) return;
    if (await isRight(record).catch(() => false)) right(record.id);
    else doubtful(record.id);
    await giveWay();
  }
}
