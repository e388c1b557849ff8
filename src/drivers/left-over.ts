import type { Difference } from "./driver.ts";

/** What the last endpoint of the host should have taken with it, by its name where it stands, and what takes it away. */
export function leftOver(stands: Readonly<Record<string, boolean>>, withdraw: () => Promise<boolean>): Difference[] {
  const what = "stands though no endpoint is attached on this host";
  const repair = async (): Promise<void> => void (await withdraw());
  return Object.entries(stands).flatMap(([object, isThere]) => (isThere ? { object, what, repair } : []));
}
