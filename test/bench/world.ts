/** What the subjects share: an etcd, dockerd on first use, this project's controller, and namespaces. */
import { resolve } from "node:path";
import { Controller } from "../../src/cnm/controller.ts";
import { openKernel } from "../../src/cnm/local.ts";
import { connectNode } from "../../src/store/connect-node.ts";
import { type Etcd, startEtcd } from "../helpers/etcd.ts";
import { type Docker, startDocker } from "./docker.ts";
import { SCRATCH } from "./private.ts";
import { type CallOptions, call } from "./process.ts";

/** This host, as the node it is in the store. */
export const NODE = "bench";
export const STATE_DIR = `${SCRATCH}/calico`;

export interface World {
  readonly etcd: Etcd;
  /** In this process, as the agent would have it. */
  readonly controller: Controller;
  docker(): Promise<Docker>;
  /** Runs `calicoctl` as a person does, against the same store. */
  calicoctl(...args: readonly string[]): string;
  /** Whoever comes second waits for the first. */
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const etcd = await startEtcd();
  const controller = controllerOf(etcd);
  let docker: Promise<Docker> | undefined;
  const close = async (): Promise<void> => {
    // One that did not start ends with the bench's namespaces.
    const started = await docker?.catch(() => undefined);
    await started?.stop();
    await etcd.stop();
  };
  let closing: Promise<void> | undefined;
  const program = resolve("bin/calicoctl");
  const env: Record<string, string> = {
    ETCD_ENDPOINTS: etcd.endpoint,
    CALICO_STATE_DIR: STATE_DIR,
    CALICO_NODENAME: NODE,
    DOCKER_HOST: `unix://${SCRATCH}/docker.sock`,
  };
  const options: CallOptions = { env };
  return {
    etcd,
    controller,
    docker: () => (docker ??= startDocker()),
    calicoctl: (...args) => call([program, ...args], options),
    close: () => (closing ??= close()),
  };
}

/** The model on an etcd, in this process, over the node's own kind of connection. */
export function controllerOf(etcd: Etcd): Controller {
  const signal = new AbortController().signal;
  const warn = (message: string): void => void process.stderr.write(`bench: ${message}\n`);
  const { store } = connectNode({ endpoints: [etcd.endpoint] });
  return new Controller({ store, node: NODE, defaultPools: true, signal, warn }, async () =>
    openKernel({ stateDir: STATE_DIR, signal, warn }),
  );
}

/** Makes named network namespaces with their loopback up, all in two calls. */
export function makeNamespaces(names: readonly string[]): void {
  const batch = (command: (name: string) => string): string => `${names.map(command).join("\n")}\n`;
  call(["ip", "-batch", "-"], { stdin: batch((name) => `netns add ${name}`) });
  for (const name of names) call(["ip", "-n", name, "link", "set", "lo", "up"]);
}

export const removeNamespaces = (names: readonly string[]): void =>
  void call(["ip", "-batch", "-"], { stdin: `${names.map((name) => `netns delete ${name}`).join("\n")}\n` });
