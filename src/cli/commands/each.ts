import { UserError } from "../../base/errors.ts";
import type { Context } from "../context.ts";
import { ReportedFailure } from "../exit.ts";

/**
 * Does `work` for each name, as docker does: a failure is reported at once and the others still get their turn. Call
 * `settle` when the rest is printed: it throws if one has failed, with the first one's exit code.
 */
export async function each<T>(
  context: Context,
  names: readonly string[],
  work: (name: string) => Promise<T>,
): Promise<{ done: readonly T[]; settle: () => void }> {
  const done: T[] = [];
  let first: UserError | undefined;
  for (const name of names) {
    try {
      context.signal.throwIfAborted();
      done.push(await work(name));
    } catch (error) {
      if (!(error instanceof UserError) || context.signal.aborted) throw error;
      context.report(error);
      first ??= error;
    }
  }
  return {
    done,
    settle: () => {
      if (first !== undefined) throw new ReportedFailure(first.code);
    },
  };
}

/** For `--ignore` on what removes: that the object is not there is what was wanted. */
export async function unlessGone(ignore: boolean, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(ignore && error instanceof UserError && error.code === "not-found")) throw error;
  }
}
