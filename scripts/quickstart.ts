/**
 * `npm run quickstart [-- --keep | --down]`: the main job on real containers of this host, shown as a person would
 * type it, and taken down again. Exits 0 only if every check held and the host is as it was found.
 */
import { castOf } from "./quickstart/cast.ts";
import { beginTakingDown, CommandFailed, interrupt } from "./quickstart/command.ts";
import { prefix } from "./quickstart/containers.ts";
import { exports, prepare, Refused, survey } from "./quickstart/prepare.ts";
import { type State, stands } from "./quickstart/state.ts";
import { tell } from "./quickstart/story.ts";
import { takeDown } from "./quickstart/take-down.ts";
import { fail, heading, note } from "./quickstart/terminal.ts";

class Interrupted extends Error {}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => interrupt(new Interrupted("interrupted")));

const began = Date.now();
process.exitCode = await main(process.argv.slice(2)).catch(explain);
note(`\n${((Date.now() - began) / 1000).toFixed(1)} s`);

async function main(options: readonly string[]): Promise<number> {
  const [option] = options;
  if (options.length > 1 || (option !== undefined && option !== "--keep" && option !== "--down"))
    throw new Refused(`usage: npm run quickstart [-- --keep | --down]; not: ${options.join(" ")}`);
  if (option !== "--down") return play(await survey(), option === "--keep");
  if (!stands()) throw new Refused("no quickstart stands here");
  return end(0);
}

/** The whole quickstart; its exit code. */
async function play(state: State, keep: boolean): Promise<number> {
  const code = await prepare(state)
    .then(() => tell(castOf(state.docker)))
    .then((failures) => (failures === 0 ? 0 : 1), explain);
  if (!keep || code !== 0) return end(code);
  heading("It stands. To look around:");
  for (const line of exports()) note(line);
  note("$ bin/calicoctl service ls --output wide");
  note(`$ ip netns exec ${prefix}web ip route`);
  note("$ nft list ruleset");
  heading("To take it down:");
  note("$ npm run quickstart -- --down");
  return 0;
}

/** Takes down; the exit code, which was `code` until here. */
async function end(code: number): Promise<number> {
  beginTakingDown();
  const failures = await takeDown();
  return code === 0 && failures > 0 ? 1 : code;
}

/** Tells why it ended early; the exit code. A bug keeps its stack. */
function explain(error: unknown): number {
  const expected = error instanceof CommandFailed || error instanceof Interrupted || error instanceof Refused;
  fail(expected ? error.message : String(error instanceof Error ? error.stack : error));
  return error instanceof Interrupted ? 130 : 1;
}
