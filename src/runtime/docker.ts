import { RuntimeUnavailable } from "./container.ts";
import type { Runtime } from "./container.ts";
import { engineRuntime } from "./engine.ts";
import type { HttpTarget } from "./http.ts";
import type { Places } from "./places.ts";

/**
 * Docker, at `host` (as DOCKER_HOST is written: `unix:///path` or `tcp://host:port`) or at its usual socket. `tls` is
 * DOCKER_TLS_VERIFY, which is about TCP alone.
 */
export function dockerRuntime(places: Places, host: string | undefined, tls: string | undefined): Runtime {
  if (host === undefined || host === "") return engineRuntime("docker", { socketPath: places.dockerSocket });
  if (host.startsWith("https:") || (/^(tcp|http):/.test(host) && tls !== undefined && tls !== ""))
    return refusing(
      "DOCKER_HOST is to be used with TLS, which is not supported yet; Docker's socket is (unix:///PATH)",
    );
  const target = parseDockerHost(host);
  if (target !== undefined) return expected(engineRuntime("docker", target));
  return refusing("DOCKER_HOST is neither unix:///PATH nor tcp://HOST:PORT");
}

/** Where Docker's API listens. Throws RuntimeUnavailable for a `host` that is of no use. */
export function dockerTarget(places: Places, host: string | undefined): HttpTarget {
  const target = host === undefined || host === "" ? { socketPath: places.dockerSocket } : parseDockerHost(host);
  if (target) return target;
  throw new RuntimeUnavailable("DOCKER_HOST is neither unix:///PATH nor tcp://HOST:PORT", { present: true });
}

function refusing(why: string): Runtime {
  const refuse = (): Promise<never> => Promise.reject(new RuntimeUnavailable(why, { present: true }));
  return { name: "docker", find: refuse, list: refuse };
}

/** Whoever sets DOCKER_HOST has a Docker: that it is not there must be told. */
function expected({ name, find, list }: Runtime): Runtime {
  const tell = (error: unknown): never => {
    if (!(error instanceof RuntimeUnavailable) || error.present) throw error;
    throw new RuntimeUnavailable(`no answer at DOCKER_HOST (${error.message})`, { present: true });
  };
  return {
    name,
    find: (text, signal) => find(text, signal).catch(tell),
    list: (signal) => list(signal).catch(tell),
  };
}

function parseDockerHost(host: string): HttpTarget | undefined {
  if (/^unix:\/\/\/[\x20-\x7e]+$/.test(host)) return { socketPath: host.slice("unix://".length) };
  if (!/^(tcp|http):\/\//.test(host) || !URL.canParse(host.replace(/^tcp:/, "http:"))) return undefined;
  const { hostname, port } = new URL(host.replace(/^tcp:/, "http:"));
  // 2375 is Docker's port without TLS. URL keeps the brackets of IPv6, which a socket does not want.
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port === "" ? 2375 : port) };
}
