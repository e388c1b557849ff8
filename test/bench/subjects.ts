/** What there is to measure, in the order of a full run. */
import type { Measured } from "./result.ts";
import { measureAgent } from "./subjects/agent.ts";
import { measureAllocation } from "./subjects/allocation.ts";
import { measureAttach } from "./subjects/attach.ts";
import { measureDockerRun } from "./subjects/docker-run.ts";
import { measureEndpoints } from "./subjects/endpoints.ts";
import { measurePlugin } from "./subjects/plugin.ts";
import { measurePlumbing } from "./subjects/plumbing.ts";
import { measureStart } from "./subjects/start.ts";
import { measureTraffic } from "./subjects/traffic.ts";
import type { World } from "./world.ts";

type Measure = (world: World) => Promise<Measured>;

const subjects: Readonly<Record<string, Measure>> = {
  start: measureStart,
  plumbing: measurePlumbing,
  attach: measureAttach,
  plugin: measurePlugin,
  "docker-run": measureDockerRun,
  allocation: measureAllocation,
  traffic: measureTraffic,
  agent: measureAgent,
  endpoints: measureEndpoints,
};

/** Those that `--only` names, or all. Errors: for another argument, or another name. */
export function wantedSubjects(args: readonly string[]): [string, Measure][] {
  const only = args.filter((word) => word !== "--only");
  const usage = `usage: npm run bench [-- --only SUBJECT]...; subjects: ${Object.keys(subjects).join(", ")}`;
  if (only.some((name) => subjects[name] === undefined) || args.length !== 2 * only.length) throw new Error(usage);
  return Object.entries(subjects).filter(([name]) => only.length === 0 || only.includes(name));
}
