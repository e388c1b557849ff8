/** Giving one container a network and taking it away, by everybody who does that on one host. */
import { cni } from "../cni.ts";
import { netavark } from "../netavark.ts";
import { type Measured, ratio } from "../result.ts";
import { type Samples, type Turn, interleave } from "../samples.ts";
import { type World, makeNamespaces, removeNamespaces } from "../world.ts";

const ROUNDS = 30;
const SERVICES = ["other", "docker", "cli", "process"];
const ATTACH = "calicoctl service attach";
const DETACH = "calicoctl service detach";
const CONNECT = "docker network connect";
const DISCONNECT = "docker network disconnect";
const IN_PROCESS = "attach in process";
const OFF_IN_PROCESS = "detach in process";

export async function measureAttach(world: World): Promise<Measured> {
  const { controller } = world;
  const { docker, container } = await world.docker();
  container("bench-ours", "none");
  container("bench-theirs", "bridge");
  docker("network", "create", "bench");
  const names = ["attach-other", "attach-cli", "attach-process", "attach-ptp", "attach-bridge", "attach-netavark"];
  makeNamespaces(names);
  await controller.createNetwork({ name: "attach" });
  for (const service of SERVICES) await controller.publish(`${service}.attach`, {});
  // The host has an endpoint already, as Docker's has its bridge: the tables of the firewall stand.
  await controller.attach("netns:attach-other", "other.attach");

  const figures = await interleave(ROUNDS, [
    pair(
      ATTACH,
      () => world.calicoctl("service", "attach", "docker:bench-ours", "docker.attach"),
      DETACH,
      () => world.calicoctl("service", "detach", "docker:bench-ours", "docker.attach"),
    ),
    pair(
      CONNECT,
      () => docker("network", "connect", "bench", "bench-theirs"),
      DISCONNECT,
      () => docker("network", "disconnect", "bench", "bench-theirs"),
    ),
    pair(
      `${ATTACH}, by namespace`,
      () => world.calicoctl("service", "attach", "netns:attach-cli", "cli.attach"),
      `${DETACH}, by namespace`,
      () => world.calicoctl("service", "detach", "cli.attach"),
    ),
    pair(
      IN_PROCESS,
      () => controller.attach("netns:attach-process", "process.attach"),
      OFF_IN_PROCESS,
      () => controller.detach(undefined, "process.attach"),
    ),
    pair(
      "CNI ptp ADD",
      () => cni("ptp", "ADD", "attach-ptp"),
      "CNI ptp DEL",
      () => cni("ptp", "DEL", "attach-ptp"),
    ),
    pair(
      "CNI bridge ADD",
      () => cni("bridge", "ADD", "attach-bridge"),
      "CNI bridge DEL",
      () => cni("bridge", "DEL", "attach-bridge"),
    ),
    pair(
      "netavark setup",
      () => netavark("setup", "attach-netavark"),
      "netavark teardown",
      () => netavark("teardown", "attach-netavark"),
    ),
  ]);
  for (const service of SERVICES) await controller.unpublish(`${service}.attach`, { force: true });
  await controller.removeNetwork("attach");
  removeNamespaces(names);
  return {
    figures,
    verdicts: [
      ratio(figures, ATTACH, CONNECT, { atMost: 0.6 }),
      ratio(figures, DETACH, DISCONNECT, { atMost: 0.6 }),
      ratio(figures, IN_PROCESS, "CNI ptp ADD"),
      ratio(figures, IN_PROCESS, "CNI bridge ADD"),
      ratio(figures, IN_PROCESS, "netavark setup"),
      ratio(figures, OFF_IN_PROCESS, "CNI ptp DEL"),
      ratio(figures, OFF_IN_PROCESS, "netavark teardown"),
    ],
  };
}

const pair =
  (on: string, attach: () => unknown, off: string, detach: () => unknown): Turn =>
  async (samples: Samples) => {
    await samples.time(on, attach);
    await samples.time(off, detach);
  };
