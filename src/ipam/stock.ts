/**
 * The free addresses of one block that a process has read and not handed out yet. An agent that publishes one service
 * after the other, or many at once, thus reads a block once in 64 addresses, and never proposes one address twice. Only
 * a hint: the guards of the claim find out what somebody else has taken.
 */
import type { Prefix } from "../base/address.ts";
import type { Store } from "../store/store.ts";

/** A block of this node's, or one that it borrows from, and addresses of it in the order in which to take them. */
export interface Stock {
  readonly block: Prefix;
  readonly owner: string;
  readonly free: bigint[];
}

interface Shelf {
  stock: Stock | undefined;
  /** Those who come meanwhile wait for it: they would all choose the same. */
  filling: Promise<Stock | undefined> | undefined;
  /** Whether an address was taken in this turn of the event loop. */
  isBusy: boolean;
}

/** An address from a stock. */
export interface Taken {
  readonly block: Prefix;
  readonly owner: string;
  readonly value: bigint;
  /** Of those that are taken at once: the one that the others go by. */
  readonly isFirst: boolean;
}

const shelves = new WeakMap<Store, Map<string, Shelf>>();

/**
 * The next address of the stock that is kept under `key`. When there is none, `fill` gets a new one; it is told the
 * block that has run out, where addresses may be free that are about to be claimed. Undefined when `fill` finds none.
 */
export async function takeFromStock(
  store: Store,
  key: string,
  fill: (exhausted: Prefix | undefined) => Promise<Stock | undefined>,
): Promise<Taken | undefined> {
  const shelf = shelfOf(store, key);
  for (;;) {
    const { stock } = shelf;
    const value = stock?.free.shift();
    if (stock && value !== undefined) {
      const isFirst = !shelf.isBusy;
      shelf.isBusy = true;
      if (isFirst) process.nextTick(() => (shelf.isBusy = false));
      return { block: stock.block, owner: stock.owner, value, isFirst };
    }
    shelf.filling ??= fill(stock?.block).finally(() => (shelf.filling = undefined));
    shelf.stock = await shelf.filling;
    if (!shelf.stock) return undefined;
  }
}

function shelfOf(store: Store, key: string): Shelf {
  const known = shelves.get(store) ?? new Map<string, Shelf>();
  shelves.set(store, known);
  const shelf = known.get(key) ?? { stock: undefined, filling: undefined, isBusy: false };
  known.set(key, shelf);
  return shelf;
}
