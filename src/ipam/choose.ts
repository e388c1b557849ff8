import { type Prefix, size } from "../base/address.ts";

/** How to pick among the free addresses of a block. */
export type Pick = "next" | "random";

/**
 * The free addresses of the block in the order to take them: from the one behind `last`, going round, so that an
 * address is reused as late as can be.
 */
export function freeAddresses(block: Prefix, isFree: (value: bigint) => boolean, last: bigint | undefined): bigint[] {
  const count = size(block);
  const start = last === undefined ? 0n : (last - block.base + 1n + count) % count;
  const free: bigint[] = [];
  for (let step = 0n; step < count; step += 1n) {
    const value = block.base + ((start + step) % count);
    if (isFree(value)) free.push(value);
  }
  return free;
}
