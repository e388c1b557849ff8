/** What the bench and its peers write to, and would otherwise share with the machine. */
import { mkdirSync } from "node:fs";
import { call } from "./process.ts";

/** For everything temporary. */
export const SCRATCH = "/run/cnm-bench";

/**
 * Takes new, empty places for what runs: lock files, sockets, named namespaces, state. Only within namespaces of one's
 * own; they go with them.
 */
export function makePrivate(): void {
  for (const place of ["/run", "/dev/shm"]) call(["mount", "-t", "tmpfs", "tmpfs", place]);
  mkdirSync(SCRATCH);
  mkdirSync("/run/lock");
  process.env["TMPDIR"] = SCRATCH;
  // Each would make a bare node slower than it is.
  for (const name of ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS"]) delete process.env[name];
  call(["ip", "link", "set", "lo", "up"]);
}
