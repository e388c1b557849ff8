/** The one door to the model: the command line, the agent and the Docker plugin all call this. */
import { UserError } from "../base/errors.ts";
import { BatchedStore } from "../store/batched.ts";
import { type AttachOptions, attach } from "./attach.ts";
import { check } from "./check.ts";
import { detach } from "./detach.ts";
import { type DockerRun, planDockerRun } from "./docker/run.ts";
import type { Environment, Kernel, StoreEnvironment } from "./environment.ts";
import { addressReport, ipamReport, listPools } from "./ipam.ts";
import { checkIpam } from "./ipam-check.ts";
import { releaseAddress } from "./ipam-release.ts";
import type {
  AddressReport,
  EndpointDetail,
  IpamProblem,
  IpamReport,
  Network,
  NetworkDetail,
  NetworkView,
  NodeView,
  Pool,
  PoolView,
  Problem,
  SandboxView,
  ServiceView,
} from "./model.ts";
import { type ServiceName, checkInterfaceName, checkPriority, parseServiceName } from "./names.ts";
import type { NetworkSpec } from "./network-draft.ts";
import { type EnsuredNetwork, createNetwork, ensureNetwork, getOrDefaultNetwork, removeNetwork } from "./networks.ts";
import { listNodes, nodeView, removeNode } from "./nodes.ts";
import { type PoolOptions, addSharedPools, removePool } from "./pools.ts";
import { openSandbox } from "./sandboxes.ts";
import { type PublishSpec, checkPublishSpec } from "./publish-spec.ts";
import { publish } from "./publish.ts";
import { Stopwatch, type TimedVerb } from "./stopwatch.ts";
import { takeBack } from "./take-back.ts";
import { unpublish, unpublishFree } from "./unpublish.ts";
import {
  endpointDetail,
  listNetworks,
  listSandboxes,
  listServices,
  networkDetail,
  sandboxView,
  serviceView,
} from "./views.ts";

export interface AttachRequest extends AttachOptions {
  /** Make the network and the service too, when they are missing. */
  publish?: boolean | undefined;
  /** For the service that is then made. */
  spec?: PublishSpec | undefined;
}

/** All methods reject with UserError for what is the user's or the world's to mend; input is checked first. */
export class Controller {
  readonly #env: StoreEnvironment;
  readonly #kernel: () => Promise<Kernel>;

  /** `kernel` is called by the verbs that need it. */
  constructor(env: StoreEnvironment, kernel: () => Promise<Kernel>) {
    this.#env = { ...env, store: new BatchedStore(env.store) };
    this.#kernel = kernel;
  }

  async createNetwork(spec: NetworkSpec, options: { ignore?: boolean | undefined } = {}): Promise<Network> {
    return (await createNetwork(await this.#world(), spec, options)).network;
  }

  /** With `force`, even though its plugin cannot be asked. */
  async removeNetwork(reference: string, { force }: { force?: boolean | undefined } = {}): Promise<Network> {
    return removeNetwork(await this.#world(), reference, { insist: force });
  }

  networks(): Promise<NetworkView[]> {
    return listNetworks(this.#env);
  }

  network(reference: string): Promise<NetworkDetail> {
    return networkDetail(this.#env, reference);
  }

  /** `name` is SERVICE[.NETWORK[.DRIVER]]; with a driver, the network is made if missing. */
  async publish(name: string, spec: PublishSpec, options: { ignore?: boolean | undefined } = {}): Promise<ServiceView> {
    const parsed = parseServiceName(name);
    checkPublishSpec(spec);
    const env = await this.#world();
    return onNetwork(env, await networkFor(env, parsed), async (network) => {
      const { endpoint } = await publish(env, network, parsed.service, spec, options);
      return { ...endpoint, networkName: network.name };
    });
  }

  async unpublish(name: string, options: { force?: boolean | undefined } = {}): Promise<void> {
    return unpublish(await this.#world(), parseServiceName(name), options);
  }

  async attach(container: string, name: string, request: AttachRequest = {}): Promise<ServiceView> {
    const parsed = parseServiceName(name);
    if (request.interface !== undefined) checkInterfaceName(request.interface);
    if (request.priority !== undefined) checkPriority(request.priority);
    checkPublishSpec(request.spec ?? {});
    return this.#timed("attach", async (env) => {
      const found = await env.host.resolve(container);
      env.stopwatch?.lap("resolve");
      if (!request.publish) return attach(env, found, parsed, request);
      // For what cannot be attached here, nothing is published either.
      (await env.lock("host", "shared"))?.release();
      openSandbox(env, found).close();
      return onNetwork(env, await ensureNetwork(env, parsed.network, parsed.driver), async (network) => {
        const published = await publish(env, network, parsed.service, request.spec ?? {}, { ignore: true });
        env.stopwatch?.lap("publish");
        try {
          return await attach(env, found, parsed, request);
        } catch (error) {
          const { created, endpoint } = published;
          // All of it or nothing: what was published only for this attach goes with it.
          if (created) await takeBack(env, () => unpublishFree(env, { endpoint, network }, { insist: true }));
          throw error;
        }
      });
    });
  }

  /** What Docker is to be told so that its container becomes the service. */
  async planDockerRun(name: string): Promise<DockerRun> {
    return planDockerRun(await this.#world(), parseServiceName(name));
  }

  /** Without `container`, from wherever it is attached. */
  async detach(
    container: string | undefined,
    name: string,
    options: { ignore?: boolean | undefined } = {},
  ): Promise<void> {
    const parsed = parseServiceName(name);
    return this.#timed("detach", (env) => detach(env, container, parsed, options));
  }

  services({ network }: { network?: string | undefined } = {}): Promise<ServiceView[]> {
    return listServices(this.#env, network);
  }

  service(name: string): Promise<ServiceView> {
    return serviceView(this.#env, name);
  }

  /** `reference` is an endpoint id, an unambiguous prefix of one, or a service name. */
  async endpoint(reference: string): Promise<EndpointDetail> {
    return endpointDetail(await this.#world(), reference);
  }

  async sandboxes(): Promise<SandboxView[]> {
    return listSandboxes(await this.#world());
  }

  async sandbox(reference: string): Promise<SandboxView> {
    return sandboxView(await this.#world(), reference);
  }

  async addPools(cidrs: readonly string[], options: PoolOptions): Promise<Pool[]> {
    return addSharedPools(await this.#world(), cidrs, options);
  }

  async removePool(cidr: string): Promise<void> {
    return removePool(await this.#world(), cidr);
  }

  pools(): Promise<PoolView[]> {
    return listPools(this.#env);
  }

  ipamShow(): Promise<IpamReport> {
    return ipamReport(this.#env);
  }

  ipamInfo(ip: string): Promise<AddressReport> {
    return addressReport(this.#env, ip);
  }

  checkIpam(): Promise<IpamProblem[]> {
    return checkIpam(this.#env);
  }

  /** The address in canonical form. */
  releaseAddress(ip: string): Promise<string> {
    return releaseAddress(this.#env, ip);
  }

  nodes(): Promise<NodeView[]> {
    return listNodes(this.#env);
  }

  node(name: string): Promise<NodeView> {
    return nodeView(this.#env, name);
  }

  async removeNode(name: string, options: { removeEndpoints?: boolean | undefined } = {}): Promise<void> {
    return removeNode(await this.#world(), name, options);
  }

  async check({ repair }: { repair: boolean }): Promise<{ problems: Problem[] }> {
    return { problems: await check(await this.#world(), repair) };
  }

  async #world(): Promise<Environment> {
    return { ...this.#env, ...(await this.#kernel()) };
  }

  async #timed<T>(verb: TimedVerb, work: (env: Environment) => Promise<T>): Promise<T> {
    const env = await this.#world();
    if (!env.onTimed) return work(env);
    const stopwatch = new Stopwatch();
    const result = await work({ ...env, stopwatch });
    env.onTimed(stopwatch.timing(verb));
    return result;
  }
}

/** A network that is named with its driver is made if missing, and so is the default one. */
function networkFor(env: Environment, { network, driver }: ServiceName): Promise<EnsuredNetwork> {
  return driver === undefined ? getOrDefaultNetwork(env, network) : ensureNetwork(env, network, driver);
}

/** Does `work` on the network; one that was made only for it goes again when it fails, if nobody else uses it yet. */
async function onNetwork<T>(
  env: Environment,
  { network, created }: EnsuredNetwork,
  work: (network: Network) => Promise<T>,
): Promise<T> {
  try {
    return await work(network);
  } catch (error) {
    if (created) await removeNetwork(env, network.id, { insist: true }).catch(ignoreRefusal);
    throw error;
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof UserError)) throw error;
}
