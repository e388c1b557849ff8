/**
 * A whole `docker run --rm` of a command that does nothing, on each sort of network that this host's Docker has. On the
 * one that Docker makes for itself (docker0), containers cannot find each other by name; on all that people make they
 * can, for which Docker starts a resolver in each container, whatever the driver: like is compared with like.
 */
import { settled, startNode } from "../node.ts";
import { end } from "../process.ts";
import { type Measured, ratio } from "../result.ts";
import { type Turn, interleave } from "../samples.ts";
import type { World } from "../world.ts";

const ROUNDS = 15;
const NETWORK = "docker-run";
const BRIDGE_NETWORK = "docker-run-bridge";

const run = (network: string): string => `docker run --rm, ${network}`;
const OURS = run("on this network");
const BRIDGE = run("on a network of Docker's bridge driver");
const DOCKER0 = run("on docker0, without names");
const NONE = run("on none");

export async function measureDockerRun(world: World): Promise<Measured> {
  const { docker, image } = await world.docker();
  const node = await startNode(world, { plugins: true });
  try {
    const driver = ["--driver", "calico", "--ipam-driver", "calico-ipam", "--subnet", "10.91.0.0/16"];
    docker("network", "create", ...driver, NETWORK);
    docker("network", "create", "--driver", "bridge", BRIDGE_NETWORK);
    // The host has an endpoint already, as Docker's has its bridge: the tables of the firewall stand.
    docker("run", "--detach", "--name", "bench-other", "--network", NETWORK, image, "/bin/sleep", "100000");
    const turn =
      (name: string, network: string): Turn =>
      async (samples) => {
        await settled();
        await samples.time(name, () => docker("run", "--rm", "--network", network, image, "/bin/true"));
      };
    const figures = await interleave(ROUNDS, [
      turn(OURS, NETWORK),
      turn(BRIDGE, BRIDGE_NETWORK),
      turn(DOCKER0, "bridge"),
      turn(NONE, "none"),
    ]);
    docker("rm", "--force", "bench-other");
    docker("network", "rm", NETWORK, BRIDGE_NETWORK);
    return {
      figures,
      verdicts: [
        ratio(figures, OURS, BRIDGE, { atMost: 1 }),
        ratio(figures, OURS, DOCKER0, { atMost: 1 }),
        ratio(figures, OURS, NONE),
      ],
    };
  } finally {
    await end(node);
  }
}
