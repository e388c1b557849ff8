/** This host's kernel as a command uses it. In one pack with all that it takes, so that an attach loads one. */
import { existsSync } from "node:fs";
import { controlSocket } from "../agent/control-socket.ts";
import { tellTiming } from "../agent/tell-timing.ts";
import type { Kernel } from "../cnm/environment.ts";
import { type LocalOptions, openKernel } from "../cnm/local.ts";

/** Where a node's agent is, it is told how long the verbs take. */
export function openOwnKernel(options: LocalOptions): Kernel {
  const kernel = openKernel(options);
  const { stateDir } = options;
  return existsSync(controlSocket(stateDir))
    ? { ...kernel, onTimed: (timing) => tellTiming(stateDir, timing) }
    : kernel;
}
