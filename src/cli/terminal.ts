import { fstatSync, writeSync } from "node:fs";
import { failure } from "../base/errors.ts";

/** Where a command's words go; stdout is for data alone. */
export interface Terminal {
  /** stdout is a terminal. */
  readonly interactive: boolean;
  /** Width of that terminal in cells; undefined when there is none, or it does not know. */
  readonly columns: number | undefined;
  readonly color: boolean;
  out(text: string): void;
  err(text: string): void;
}

/**
 * This process's own terminal. Written to by file descriptor: making process.stdout loads streams, which is a
 * noticeable part of a short command's life.
 */
export function processTerminal(env: NodeJS.ProcessEnv): Terminal {
  const interactive = isTerminal(1);
  return {
    interactive,
    // A terminal that nobody told its size, as of script(1), says 0.
    columns: (interactive && process.stdout.columns) || undefined,
    color: interactive && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb",
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
  };
}

/** As isatty(3) tells, but without node:tty, which loads sockets and streams: the devices of memory (/dev/null) are none. */
function isTerminal(fd: number): boolean {
  const status = fstatSync(fd);
  const memoryDevices = 1;
  return status.isCharacterDevice() && status.rdev >> 8 !== memoryDevices;
}

/** A reader that has gone away (`| head`) wants no more: nothing to report. */
function writeAll(fd: 1 | 2, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Nor is there a place left to tell that stderr cannot be written.
      if (code === "EPIPE" || (fd === 2 && code !== "EAGAIN")) return;
      if (code !== "EAGAIN") throw failure(`stdout cannot be written (${code})`, undefined, error);
      // The other end made this pipe non-blocking and it is full.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}
