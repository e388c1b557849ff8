import type { Difference } from "./driver.ts";

/** What the last endpoint of the host should have taken with it, by its name where it stands, and what takes it away. */
export const leftOver = (stands: Readonly<Record<string, boolean>>, withdraw: () => Promise<boolean>): Difference[] =>
  Object.entries(stands).flatMap(([object, isThere]) =>
    isThere
      ? {
          object,
          what: "stands though no endpoint is attached on this host",
          repair: async (): Promise<void> => void (await withdraw()),
        }
      : [],
  );
