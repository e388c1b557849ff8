/** The programs and the container engines that a node works with. */
import { statSync } from "node:fs";
import { placesBelow } from "../../runtime/places.ts";
import { runProgram } from "../program.ts";
import { type SystemRow, missing, ok, rowOf, warning } from "./row.ts";

const VERSION = /\d+(?:\.\d+)+/;

/** Each with its version. */
export async function programRows(): Promise<SystemRow[]> {
  const row = (name: string, otherwise: typeof missing, remedy: string): Promise<SystemRow> =>
    rowOf(
      name,
      async () => `version ${VERSION.exec(await runProgram(name, ["--version"]))?.[0] ?? "unknown"}`,
      (found) => otherwise(name, found, remedy),
    );
  return Promise.all([
    row("nft", missing, "apt-get install nftables"),
    row("etcd", warning, "apt-get install etcd-server, unless a store elsewhere is configured"),
    row("bird", warning, "apt-get install bird2, for routes between nodes by BGP"),
  ]);
}

/** By the sockets alone: whoever connects to one may start the engine behind it. */
export function engineRows(dockerHost: string | undefined, places = placesBelow()): SystemRow[] {
  const engines = {
    Docker: places.dockerSocket,
    Podman: places.podmanSocket,
    containerd: places.containerdSocket,
  };
  const rows = Object.entries(engines).flatMap(([name, socket]) => {
    if (name === "Docker" && dockerHost !== undefined) return [ok(name, `DOCKER_HOST is ${dockerHost}`)];
    return isSocket(socket) ? [ok(name, socket)] : [];
  });
  return rows.length > 0 ? rows : [ok("container engines", "none; containers are named by PID or netns:NAME")];
}

/** One that this user may not see is not there for him. */
function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
}
