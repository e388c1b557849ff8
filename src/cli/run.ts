import { UserError } from "../base/errors.ts";
import type { Controller } from "../cnm/controller.ts";
import { commonOptions, globalOptions } from "./common-options.ts";
import type { Context } from "./context.ts";
import { ReportedFailure, exitCodes } from "./exit.ts";
import type { Request } from "./program.ts";
import { parse } from "./program.ts";
import { readOptions } from "./options.ts";
import { Output } from "./render/output.ts";
import { printable } from "../base/quote.ts";
import { asksForJson, report } from "./report.ts";
import type { GlobalFlags, Settings } from "./settings.ts";
import { readSettings } from "./settings.ts";
import type { Terminal } from "./terminal.ts";
import { nouns, tree } from "./tree.ts";

/** The edges of the program; tests put their own in. */
export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
  /** Aborted by a signal, with the UserError that tells so as its reason. */
  readonly interrupted: AbortSignal;
  open(settings: Settings, signal: AbortSignal, warn: (message: string) => void): Promise<Controller>;
}

/** How long a command that was told to stop may take to finish the step it is in. */
const graceMs = 1000;

/** Runs one command line and tells its exit code; whatever goes wrong has been reported by then. */
export async function run(argv: readonly string[], world: World): Promise<number> {
  const { terminal, env } = world;
  const style = { json: asksForJson(argv), debug: env["CALICO_DEBUG"] === "1" };
  const tell = (error: unknown): void => terminal.err(report(error, style));
  try {
    const request = parse(tree, nouns, argv);
    await execute(request, world, tell);
    return 0;
  } catch (error) {
    if (error instanceof ReportedFailure) return exitCodes[error.code];
    tell(error);
    return error instanceof UserError ? exitCodes[error.code] : exitCodes.failure;
  }
}

async function execute(request: Request, world: World, tell: (error: unknown) => void): Promise<void> {
  const { terminal } = world;
  if ("text" in request) return terminal.out(request.text);
  const { command, words, options } = request;
  const { output: format, quiet, timeout } = readOptions(commonOptions, options);
  const flags = readOptions(globalOptions, options);
  const stop = new AbortController();
  world.interrupted.addEventListener("abort", () => stop.abort(world.interrupted.reason), { once: true });
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => stop.abort(new UserError("timeout", `gave up after ${timeout} s`)), timeout * 1000);
  const settings = once(async () => readSettings(given(flags), world.env));
  const open = async (where: Settings): Promise<Controller> =>
    world.open(where, stop.signal, (message) => terminal.err(`calicoctl: warning: ${printable(message)}\n`));
  const context: Context = {
    output: new Output(untilStopped(terminal, stop.signal), { format, quiet }),
    signal: stop.signal,
    tree,
    settings,
    controller: once(async () => open(await settings())),
    controllerFor: async (other) => open(await readSettings(other, world.env)),
    report: tell,
  };
  try {
    await Promise.race([command.execute(context, words, options), afterGrace(stop.signal)]);
  } catch (error) {
    // What a stopped command stumbles over is only the consequence.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
  }
  stop.signal.throwIfAborted();
}

/** Takes no more data after the signal: what a stopped command still finds out must not look like its result. */
const untilStopped = (terminal: Terminal, signal: AbortSignal): Terminal => ({
  ...terminal,
  out(text) {
    signal.throwIfAborted();
    terminal.out(text);
  },
});

/** Never resolves; rejects a while after the signal, for a command that does not heed it. */
async function afterGrace(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => setTimeout(reject, graceMs, signal.reason).unref(), { once: true });
  });
}

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined;
  return async () => (made ??= make());
};

const given = (flags: Readonly<Record<string, string | undefined>>): GlobalFlags =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined));
