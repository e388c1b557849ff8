import type { Controller } from "../cnm/controller.ts";
import type { UserError } from "../base/errors.ts";
import type { Command } from "./command.ts";
import type { Output } from "./render/output.ts";
import type { GlobalFlags, Settings } from "./settings.ts";

/** All that a command may touch. Made anew for each run; tests hand in fakes. */
export interface Context {
  /** Prints the command's data as the user asked for it. */
  readonly output: Output;
  /** Aborts on an interrupt and when the time is up. */
  readonly signal: AbortSignal;
  /** Every command there is. */
  readonly tree: readonly Command[];
  /** Read on first use: a command that needs no store must not fail over a bad endpoint. Throws UserError `usage`. */
  settings(): Promise<Settings>;
  /** Connects on first use. */
  controller(): Promise<Controller>;
  /** Connects as other global options say: those of a line that is being typed. */
  controllerFor(flags: GlobalFlags): Promise<Controller>;
  /** Tells of a failure at once, for a command that goes on with its next object. */
  report(error: UserError): void;
}
