import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A directory that stands for this host, but has only the runtimes that a test started. */
export interface HostRoot {
  root: string;
  /** Puts what lies at `target` at a place of the host. */
  place(path: string, target: string): void;
  remove(): void;
}

export function hostRoot(): HostRoot {
  const root = mkdtempSync(join(tmpdir(), "cnmt-"));
  const place = (path: string, target: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  };
  place("proc", "/proc");
  place("run/netns", "/run/netns");
  return { root, place, remove: () => rmSync(root, { recursive: true, force: true }) };
}
