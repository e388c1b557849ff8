/** What a start costs: the version, the help and a list, beside a bare node and the peers' lists. */
import { resolve } from "node:path";
import { call } from "../process.ts";
import { type Measured, ratio } from "../result.ts";
import { interleave } from "../samples.ts";
import type { World } from "../world.ts";

const ROUNDS = 40;

export async function measureStart(world: World): Promise<Measured> {
  const { docker } = await world.docker();
  await world.controller.createNetwork({ name: "start" });
  const key = "/calico/cnm/v1/network-names/start";
  const etcdctl = { env: { ETCDCTL_API: "3" } };
  const program = resolve("bin/calicoctl");
  const figures = await interleave(ROUNDS, [
    (samples) => samples.time("node -e 0", () => void call([process.execPath, "-e", "0"])),
    (samples) => samples.time("calicoctl --version", () => void call([program, "--version"])),
    (samples) => samples.time("calicoctl --help", () => void call([program, "--help"])),
    (samples) => samples.time("calicoctl network ls", () => void world.calicoctl("network", "ls")),
    (samples) =>
      samples.time(
        "etcdctl get",
        () => void call(["etcdctl", "--endpoints", world.etcd.endpoint, "get", key], etcdctl),
      ),
    (samples) => samples.time("docker network ls", () => void docker("network", "ls")),
  ]);
  await world.controller.removeNetwork("start");
  return {
    figures,
    verdicts: [
      ratio(figures, "calicoctl --version", "node -e 0", { atMost: 1.4 }),
      ratio(figures, "calicoctl --help", "node -e 0", { atMost: 1.4 }),
      ratio(figures, "calicoctl network ls", "node -e 0", { atMost: 2.3 }),
      ratio(figures, "calicoctl network ls", "etcdctl get"),
      ratio(figures, "calicoctl network ls", "docker network ls"),
    ],
  };
}
