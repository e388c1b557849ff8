import { type Prefix, size } from "../base/address.ts";

/** How to pick among the free addresses of a block. */
export type Pick = "next" | "random";

/**
 * The address of the block to take: the first free one behind `last`, going round, so that an address is reused as
 * late as can be; or any free one, for those who have just lost a race for the next. Undefined when none is free.
 */
export function chooseAddress(
  block: Prefix,
  isFree: (value: bigint) => boolean,
  last: bigint | undefined,
  pick: Pick,
): bigint | undefined {
  const count = size(block);
  const start = last === undefined ? 0n : (last - block.base + 1n + count) % count;
  const free: bigint[] = [];
  for (let step = 0n; step < count; step += 1n) {
    const value = block.base + ((start + step) % count);
    if (!isFree(value)) continue;
    if (pick === "next") return value;
    free.push(value);
  }
  return free[Math.floor(Math.random() * free.length)];
}
