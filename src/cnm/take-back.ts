import { UserError } from "../base/errors.ts";
import type { Environment } from "./environment.ts";

/** Takes back what was begun before a failure, which is the one to be told: a second one is only warned of. */
export async function takeBack({ warn }: Pick<Environment, "warn">, undo: () => Promise<void>): Promise<void> {
  try {
    await undo();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(`what was begun could not all be taken back: ${error.message}; calicoctl check --repair does the rest`);
  }
}
