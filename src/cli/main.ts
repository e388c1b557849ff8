/** Where the program starts. The version is told before anything else is loaded. */
import { UserError } from "../base/errors.ts";
import { exitCodes, sigtermExitCode } from "./exit.ts";
import { processTerminal } from "./terminal.ts";
import { version } from "./version.ts";

/** Runs the command line of this process and ends it. */
export async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const terminal = processTerminal(process.env);
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V")) {
    terminal.out(`${version}\n`);
    return;
  }
  const interruption = new AbortController();
  let stoppedBy: number | undefined;
  const stop = (code: number) => () => {
    // A second signal means now.
    if (stoppedBy !== undefined) process.exit(code);
    stoppedBy = code;
    interruption.abort(
      new UserError("interrupted", "interrupted", { hint: "run it again, or calicoctl check --repair" }),
    );
  };
  process.on("SIGINT", stop(exitCodes.interrupted));
  process.on("SIGTERM", stop(sigtermExitCode));
  const { run } = await import("./run.ts");
  const code = await run(argv, {
    env: process.env,
    terminal,
    interrupted: interruption.signal,
    open: async (settings, signal, warn) => {
      const { openController } = await import("./open.ts");
      return openController(settings, signal, warn);
    },
  });
  // Idle connections are no reason to stay.
  process.exit(stoppedBy ?? code);
}
