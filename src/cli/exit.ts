import type { ErrorCode } from "../base/errors.ts";

/** The exit code of each kind of failure; 0 is success. */
export const exitCodes: Readonly<Record<ErrorCode, number>> = {
  failure: 1,
  usage: 2,
  "not-found": 3,
  conflict: 4,
  "store-unreachable": 5,
  "check-failed": 6,
  timeout: 124,
  interrupted: 130,
};

/** SIGTERM is an interruption with an exit code of its own, as shells count it. */
export const sigtermExitCode = 143;

/** The command has reported its failures one by one; all that is left is to exit with the first one's code. */
export class ReportedFailure extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode) {
    super(`reported: ${code}`);
    this.code = code;
  }
}
