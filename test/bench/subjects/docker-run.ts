/** A whole `docker run --rm` of a command that does nothing, on each network that this host's Docker has. */
import { settled, startNode } from "../node.ts";
import { end } from "../process.ts";
import { type Measured, ratio } from "../result.ts";
import { type Turn, interleave } from "../samples.ts";
import type { World } from "../world.ts";

const ROUNDS = 15;
const NETWORK = "docker-run";

const run = (network: string): string => `docker run --rm, ${network}`;
const OURS = run("on this network");
const BRIDGE = run("on Docker's bridge");
const NONE = run("on none");

export async function measureDockerRun(world: World): Promise<Measured> {
  const { docker, image } = await world.docker();
  const node = await startNode(world, { plugins: true });
  try {
    const driver = ["--driver", "calico", "--ipam-driver", "calico-ipam", "--subnet", "10.91.0.0/16"];
    docker("network", "create", ...driver, NETWORK);
    // The host has an endpoint already, as Docker's has its bridge: the tables of the firewall stand.
    docker("run", "--detach", "--name", "bench-other", "--network", NETWORK, image, "/bin/sleep", "100000");
    const turn =
      (name: string, network: string): Turn =>
      async (samples) => {
        await settled();
        await samples.time(name, () => docker("run", "--rm", "--network", network, image, "/bin/true"));
      };
    const figures = await interleave(ROUNDS, [turn(OURS, NETWORK), turn(BRIDGE, "bridge"), turn(NONE, "none")]);
    docker("rm", "--force", "bench-other");
    docker("network", "rm", NETWORK);
    return { figures, verdicts: [ratio(figures, OURS, BRIDGE, { atMost: 1 }), ratio(figures, OURS, NONE)] };
  } finally {
    await end(node);
  }
}
