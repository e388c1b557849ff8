/** Two containers of one host talk: how much, how often and how soon, beside two on a Docker and a CNI bridge. */
import { spawn } from "node:child_process";
import { cni } from "../cni.ts";
import { compile } from "../compile.ts";
import { call, callAside, end, until } from "../process.ts";
import { type Measured, ratio } from "../result.ts";
import { type Samples, interleave } from "../samples.ts";
import { type World, makeNamespaces, removeNamespaces } from "../world.ts";

const ROUNDS = 5;
const SECONDS = 2;
const PINGS = 500;
const PORT = "7777";

/** Who sends, by a file of the network namespace; and who answers, with its address. */
interface Path {
  readonly by: string;
  readonly from: string;
  readonly to: string;
  readonly address: string;
}

const OURS = "calicoctl, policy on";
const DOCKER = "Docker bridge";
const CNI_BRIDGE = "CNI bridge";

export async function measureTraffic(world: World): Promise<Measured> {
  const names = ["traffic-a", "traffic-b", "traffic-c", "traffic-d"];
  makeNamespaces(names);
  const paths = [await ourPath(world), await dockerPath(world), cniPath()];
  const figures = await interleave(
    ROUNDS,
    paths.map((path) => (samples: Samples) => measurePath(path, samples)),
    1,
  );
  for (const service of ["a", "b"]) await world.controller.unpublish(`${service}.traffic`, { force: true });
  await world.controller.removeNetwork("traffic");
  for (const namespace of ["traffic-c", "traffic-d"]) cni("bridge", "DEL", namespace);
  removeNamespaces(names);
  const against = (what: (by: string) => string, target: { atLeast: number } | { atMost: number }) =>
    [DOCKER, CNI_BRIDGE].map((peer) => ratio(figures, what(OURS), what(peer), target));
  return {
    figures,
    verdicts: [
      ...against(throughput, { atLeast: 1 }),
      ...against(requests, { atLeast: 1 }),
      ...against(latency, { atMost: 1.1 }),
    ],
  };
}

const throughput = (by: string): string => `TCP throughput, ${by}`;
const requests = (by: string): string => `TCP requests, ${by}`;
const latency = (by: string): string => `ping, ${by}`;

async function ourPath({ controller }: World): Promise<Path> {
  await controller.createNetwork({ name: "traffic" });
  await controller.attach("netns:traffic-a", "a.traffic", { publish: true });
  const { addresses } = await controller.attach("netns:traffic-b", "b.traffic", { publish: true });
  return { by: OURS, from: "/run/netns/traffic-a", to: "/run/netns/traffic-b", address: addresses[0] ?? "" };
}

async function dockerPath(world: World): Promise<Path> {
  const { docker, container } = await world.docker();
  const from = container("traffic-from", "bridge");
  const to = container("traffic-to", "bridge");
  const address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", "traffic-to").trim();
  return { by: DOCKER, from, to, address };
}

function cniPath(): Path {
  cni("bridge", "ADD", "traffic-c");
  const address = cni("bridge", "ADD", "traffic-d");
  return { by: CNI_BRIDGE, from: "/run/netns/traffic-c", to: "/run/netns/traffic-d", address };
}

async function measurePath({ by, from, to, address }: Path, samples: Samples): Promise<void> {
  const client = ["nsenter", `--net=${from}`];
  await withServer(to, ["iperf3", "--server", "--port", PORT], async () => {
    const test = ["iperf3", "--client", address, "--port", PORT, "--time", String(SECONDS), "--json"];
    const { end } = JSON.parse(await callAside([...client, ...test])) as Iperf;
    samples.add(throughput(by), "Gbit/s", end.sum_received.bits_per_second / 1e9);
  });
  const rr = compile("rr");
  await withServer(to, [rr, "serve", PORT], async () => {
    samples.add(requests(by), "/s", Number(await callAside([...client, rr, "ask", address, PORT, String(SECONDS)])));
  });
  const said = await callAside([...client, "ping", "-n", "-q", "-c", String(PINGS), "-i", "0.002", address]);
  samples.add(latency(by), "µs", Number(/= [\d.]+\/([\d.]+)\//.exec(said)?.[1]) * 1000);
}

interface Iperf {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

async function withServer(namespace: string, command: readonly string[], work: () => Promise<void>): Promise<void> {
  const server = spawn("nsenter", [`--net=${namespace}`, ...command], { stdio: "ignore" });
  try {
    const listening = (): boolean =>
      call(["nsenter", `--net=${namespace}`, "ss", "-Htln", `sport = :${PORT}`]).trim() !== "";
    await until("a server", listening);
    await work();
  } finally {
    await end(server);
  }
}
