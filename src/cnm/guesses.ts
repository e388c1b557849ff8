/**
 * The ids that names led to last, in this process. What a name leads to is asked for by that id together with the name,
 * which decides: so a name that is known from before costs one question, not one behind the other.
 */
import type { Store } from "../store/store.ts";

/** Names that are gone are known only by asking, so all are forgotten now and then. */
const MOST_NAMES = 10_000;

const guesses = new WeakMap<Store, Map<string, string>>();

/**
 * What `ask` answers for the id that `find` finds; undefined when it finds none. `name` is the key under which the id is
 * remembered. `ask` may be called with an id that the name no longer leads to; what it then answers is dropped.
 */
export async function byGuess<T>(
  store: Store,
  name: string,
  find: () => Promise<string | undefined>,
  ask: (id: string) => Promise<T>,
): Promise<T | undefined> {
  const known = guesses.get(store) ?? new Map<string, string>();
  guesses.set(store, known);
  const guess = known.get(name);
  const early = guess === undefined ? undefined : ask(guess);
  early?.catch(() => undefined);
  const id = await find();
  if (id === guess) return early;
  if (id === undefined) known.delete(name);
  else remember(known, name, id);
  return id === undefined ? undefined : ask(id);
}

function remember(known: Map<string, string>, name: string, id: string): void {
  if (known.size >= MOST_NAMES) known.clear();
  known.set(name, id);
}
