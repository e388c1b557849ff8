import { readdirSync } from "node:fs";
import { shortId } from "../../base/id.ts";
import type { Completes } from "../arguments.ts";
import type { Context } from "../context.ts";
import type { GlobalFlags } from "../settings.ts";
import type { Line } from "./line.ts";

/** What goes into somebody's command line must mean nothing to a shell, whoever wrote it into the store. */
const HARMLESS = /^[A-Za-z0-9][A-Za-z0-9_.:/@+-]*$/;

/** Nobody waits longer than this for a name. */
const patienceMs = 500;

/** Names of one kind, from the store and the runtimes that the line being typed means. Empty when they do not answer. */
export async function names(
  kind: Completes | undefined,
  typed: string,
  line: Line,
  context: Context,
): Promise<readonly string[]> {
  if (kind === undefined) return [];
  if (kind === "file" || kind === "directory") return [`:${kind}`];
  const looking = kind === "container" ? containers(typed, context) : stored(kind, typed, line, context);
  const patience = new Promise<readonly string[]>((resolve) => setTimeout(resolve, patienceMs, []).unref());
  // Any failure means the same here: no names to offer.
  const found = await Promise.race([looking, patience]).catch(() => []);
  return found.filter((word) => HARMLESS.test(word));
}

async function stored(
  kind: Exclude<Completes, "container" | "file" | "directory">,
  typed: string,
  { given }: Line,
  context: Context,
): Promise<readonly string[]> {
  if (kind === "new-service" && !typed.includes(".")) return [];
  const controller = await context.controllerFor(globalFlags(given));
  const service = typed.slice(0, typed.lastIndexOf(".") + 1);
  const services = async (): Promise<string[]> =>
    (await controller.services({})).map(({ name, networkName }) => `${name}.${networkName}`);
  const lookUps: Readonly<Record<typeof kind, () => Promise<string[]>>> = {
    network: async () => (await controller.networks()).map(({ name }) => name),
    "new-service": async () => (await controller.networks()).map(({ name }) => `${service}${name}`),
    service: services,
    endpoint: services,
    sandbox: async () => (await controller.sandboxes()).map(({ id, containerName }) => containerName ?? shortId(id)),
    pool: async () => (await controller.pools()).map(({ cidr }) => cidr),
  };
  return lookUps[kind]();
}

/** Containers by name, with the runtime in front once that is typed; and named network namespaces. */
async function containers(typed: string, context: Context): Promise<readonly string[]> {
  const { dockerHost } = await context.settings();
  const { listContainers } = await import("../../runtime/list.ts");
  const found = await listContainers(dockerHost === undefined ? {} : { dockerHost });
  const running = found.map(({ runtime, id, name }) => ({ runtime, word: name ?? shortId(id) }));
  const prefixed = /^(docker|podman|containerd):/.exec(typed)?.[1];
  const words = running.flatMap(({ runtime, word }) => {
    if (prefixed !== undefined) return runtime === prefixed ? [`${runtime}:${word}`] : [];
    return [word];
  });
  return [...words, ...namespaces().map((name) => `netns:${name}`)];
}

function namespaces(): string[] {
  try {
    return readdirSync("/run/netns");
  } catch {
    return [];
  }
}

/** `--etcd-endpoints` and its like, back under their keys. */
const globalFlags = (given: ReadonlyMap<string, string>): GlobalFlags =>
  Object.fromEntries(
    [...given].map(([flag, value]) => [
      flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
