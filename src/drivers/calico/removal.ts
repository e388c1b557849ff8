/**
 * Links on their way out. The kernel takes some ten milliseconds over each, most of it waiting for its own readers (RCU),
 * and no more over many at once: so whoever comes while some are being deleted goes with the next.
 */
import { randomInt } from "node:crypto";
import { deleteLink, deleteLinkGroup, setLinkGroup } from "../../dataplane/netlink/link.ts";
import { withSocket } from "../../dataplane/netlink/with-socket.ts";

interface Waiting {
  readonly index: number;
  resolve(): void;
  reject(error: unknown): void;
}

export class LinkRemoval {
  #waiting: Waiting[] = [];
  #isBusy = false;

  /** Resolves when the link is gone; one that was gone before is fine. Errors: `failure` of the kernel. */
  delete(index: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ index, resolve, reject });
      if (!this.#isBusy) void this.#deleteAll();
    });
  }

  /** Off the main thread. */
  async #deleteAll(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const together = this.#waiting;
      this.#waiting = [];
      try {
        await deleteTogether(together.map(({ index }) => index));
        for (const { resolve } of together) resolve();
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#isBusy = false;
  }
}

const deleteTogether = (indexes: readonly number[]): Promise<void> =>
  withSocket(async (host) => {
    const [only] = indexes;
    // A number that nobody else has chosen: what is in the group goes.
    const group = randomInt(1 << 20, 2 ** 31);
    if (indexes.length > 1) host.executeAll(indexes.map((index) => setLinkGroup(index, group)));
    const request = indexes.length > 1 || only === undefined ? deleteLinkGroup(group) : deleteLink(only);
    const [refused] = await host.executeInBackground([request]);
    if (refused) throw refused;
  });
