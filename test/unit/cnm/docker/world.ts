/** A node with Docker beside it: a store in memory, and a kernel that remembers what it was told. */
import type { Environment } from "../../../../src/cnm/environment.ts";
import { checkOptions } from "../../../../src/drivers/options.ts";
import type { Driver } from "../../../../src/drivers/driver.ts";
import { FakeStore } from "../../../../src/store/fake.ts";
import type { Store, Transaction } from "../../../../src/store/store.ts";

export const idOf = (text: string): string => Buffer.from(text).toString("hex").padEnd(64, "0");

export interface World {
  readonly env: Environment;
  readonly store: FakeStore;
  /** The ids of the endpoints whose interfaces stand. */
  readonly parked: Set<string>;
  /** All keys with their values, without what differs each time: ids that are made, times. */
  all(): Promise<Record<string, string>>;
}

export function makeWorld({ node = "here", store = new FakeStore() } = {}): World {
  const parked = new Set<string>();
  const interfaceOf = (id: string): string => `cali${id.slice(0, 11)}`;
  const driver: Partial<Driver> = {
    name: "calico",
    checkOptions: (options) => checkOptions("calico", options),
    hostInterface: interfaceOf,
    parking: {
      interfaceOf: (id) => `cnmp${id.slice(0, 11)}`,
      park: async ({ id }) => void parked.add(id),
      admit: async () => undefined,
      interfaceIn: () => undefined,
    },
    remove: async ({ id }) => ({ wasThere: parked.delete(id), gone: Promise.resolve() }),
    counters: () => undefined,
    withdraw: async () => false,
    setPools: async () => undefined,
  };
  const host: Partial<Environment["host"]> = { bootId: () => "boot", networks: async () => [] };
  const env: Environment = {
    ...{ store, node, defaultPools: true, warn: () => {} },
    host: host as Environment["host"],
    drivers: {
      get: () => driver as Driver,
      all: () => [driver as Driver],
      ipam: () => Promise.reject(new Error("no IPAM plugin is meant")),
    },
    lock: async () => ({ release() {} }),
  };
  return {
    ...{ env, store, parked },
    async all() {
      const { ranges } = await store.read([{ prefix: "/calico/" }]);
      return Object.fromEntries((ranges[0]?.kvs ?? []).map(({ key, value }) => [key, value]));
    },
  };
}

/** The environment of a process that is killed at a commit: before it, or before it hears the answer. */
export function dying(env: Environment, at: number, when: "before" | "after"): Environment {
  let left = at;
  const store: Store = {
    read: (reads) => env.store.read(reads),
    close: () => env.store.close(),
    async commit(transaction: Transaction) {
      if (left < 0) throw new Error("dead");
      left -= 1;
      if (left < 0 && when === "before") throw new Error("killed");
      const outcome = await env.store.commit(transaction);
      if (left < 0) throw new Error("killed");
      return outcome;
    },
  };
  return { ...env, store };
}

/**
 * Kills `work` at each of its commits in turn, each time in a world that `prepare` has made, runs it again, and hands the
 * world over. Answers how many times it was killed.
 */
export async function killEverywhere(
  prepare: () => Promise<World>,
  work: (env: Environment) => Promise<unknown>,
  then: (world: World) => Promise<void>,
): Promise<number> {
  let kills = 0;
  for (const when of ["before", "after"] as const)
    for (let at = 0; ; at += 1) {
      const world = await prepare();
      const died = await work(dying(world.env, at, when)).then(
        () => false,
        () => true,
      );
      if (!died) break;
      kills += 1;
      await work(world.env);
      await then(world);
    }
  return kills;
}
