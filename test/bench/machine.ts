import { cpus, release, totalmem } from "node:os";

/** What the figures were taken on. */
export const describeMachine = (): Readonly<Record<string, string | number>> => ({
  processor: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
});
