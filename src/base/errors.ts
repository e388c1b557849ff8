/** What went wrong, as scripts see it; the command line turns each into one exit code. */
export type ErrorCode =
  | "failure"
  | "usage"
  | "not-found"
  | "conflict"
  | "store-unreachable"
  | "check-failed"
  | "timeout"
  | "interrupted";

/**
 * A failure that is the world's or the user's, not a bug: shown as one line that says what, which object and why,
 * with a hint that names the next command. Anything else that is thrown is a bug and keeps its stack.
 */
export class UserError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "UserError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** Bad input: nothing was changed (exit 2). */
export const usageError = (message: string, hint?: string): UserError => make("usage", message, hint);

/** The object that was named does not exist (exit 3). */
export const notFound = (message: string, hint?: string): UserError => make("not-found", message, hint);

/** The state forbids it: exists, in use, already attached, not attached (exit 4). */
export const conflict = (message: string, hint?: string): UserError => make("conflict", message, hint);

/** Everything else that the world refused (exit 1). */
export const failure = (message: string, hint?: string, cause?: unknown): UserError =>
  make("failure", message, hint, cause);

function make(code: ErrorCode, message: string, hint?: string, cause?: unknown): UserError {
  return new UserError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}
