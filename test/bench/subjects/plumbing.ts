/** The kernel work of one endpoint: veth, addresses, routes and neighbours on both sides, without store or policy. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { NetworkNamespace } from "../../../src/dataplane/netns.ts";
import { wiring } from "../../../src/drivers/calico/facts.ts";
import type { EndpointPlan } from "../../../src/drivers/driver.ts";
import { ensureSandbox } from "../../../src/drivers/veth/sandbox.ts";
import { compile } from "../compile.ts";
import { call, end } from "../process.ts";
import { type Measured, ratio } from "../result.ts";
import { type Samples, interleave } from "../samples.ts";
import { makeNamespaces, removeNamespaces } from "../world.ts";

const ROUNDS = 60;
/** Until V8 has compiled what is hot, as in an agent that has run for a while. */
const WARM_UP = 200;
const NAMESPACE = "plumbing";
const HOST_INTERFACE = "calibench";
const MAC = "02:00:00:00:00:01";
const ADDRESS = "10.77.0.1";

const OURS = "calicoctl, in process";
const FLOOR = "raw netlink in C";
const BATCHES = "ip -batch, twice";
const CALLS = "ip, a call for each of seven";

/** The program, which is told and tells a line at a time. */
type Floor = ChildProcessByStdio<Writable, Readable, null>;

const plan: EndpointPlan = {
  id: "0".repeat(64),
  node: "bench",
  network: { id: "1".repeat(64), name: "bench", internal: false, options: {}, subnets: [] },
  name: "bench",
  interface: "eth0",
  hostInterface: HOST_INTERFACE,
  mac: MAC,
  addresses: [ADDRESS],
  gateway: true,
  prefixes: [],
};

export async function measurePlumbing(): Promise<Measured> {
  makeNamespaces([NAMESPACE]);
  const floor = spawn(compile("plumb"), { stdio: ["pipe", "pipe", "inherit"] });
  try {
    for (let turn = 0; turn < WARM_UP; turn += 1) {
      await plumbInProcess();
      removePair();
    }
    const figures = await interleave(ROUNDS, [
      undone(async (samples) => samples.time(OURS, plumbInProcess)),
      undone(async (samples) => samples.add(FLOOR, "ms", await plumbByFloor(floor))),
      undone(async (samples) => samples.time(BATCHES, plumbByBatches)),
      undone(async (samples) => samples.time(CALLS, plumbByCalls)),
    ]);
    return {
      figures,
      verdicts: [
        ratio(figures, OURS, FLOOR, { atMost: 1.3 }),
        ratio(figures, OURS, BATCHES),
        ratio(figures, OURS, CALLS),
      ],
    };
  } finally {
    await end(floor);
    removeNamespaces([NAMESPACE]);
  }
}

const undone =
  (turn: (samples: Samples) => Promise<void>) =>
  async (samples: Samples): Promise<void> => {
    await turn(samples);
    removePair();
  };

const removePair = (): void => void call(["ip", "link", "delete", HOST_INTERFACE]);

async function plumbInProcess(): Promise<void> {
  const namespace = NetworkNamespace.open(`/run/netns/${NAMESPACE}`);
  try {
    await ensureSandbox(wiring, { namespace, endpoints: [plan], alone: true });
  } finally {
    namespace.close();
  }
}

/** In milliseconds, by its own clock. */
async function plumbByFloor(floor: Floor): Promise<number> {
  const lines = createInterface(floor.stdout);
  const answer = once(lines, "line") as Promise<[string]>;
  floor.stdin.write(`/run/netns/${NAMESPACE} ${HOST_INTERFACE} eth0 ${MAC} ${ADDRESS}\n`);
  const [line] = await answer;
  lines.close();
  return Number(line) / 1000;
}

const create = `link add ${HOST_INTERFACE} address ee:ee:ee:ee:ee:ee type veth peer name eth0 address ${MAC} netns ${NAMESPACE}`;
const outside = [
  `link set ${HOST_INTERFACE} up`,
  `neighbour replace ${ADDRESS} lladdr ${MAC} dev ${HOST_INTERFACE} nud permanent`,
  `route add ${ADDRESS}/32 dev ${HOST_INTERFACE}`,
];
const inside = [
  "link set lo up",
  "link set eth0 up",
  `address add ${ADDRESS}/32 dev eth0`,
  "neighbour replace 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0 nud permanent",
  "route add default via 169.254.1.1 dev eth0 onlink",
];

function plumbByBatches(): void {
  call(["ip", "-batch", "-"], { stdin: `${[create, ...outside].join("\n")}\n` });
  call(["ip", "-n", NAMESPACE, "-batch", "-"], { stdin: `${inside.join("\n")}\n` });
}

/** Without the two that a careless tool would leave out: loopback, and the host's neighbour. */
function plumbByCalls(): void {
  const [up = "", , route = ""] = outside;
  for (const line of [create, up, route]) call(["ip", ...line.split(" ")]);
  for (const line of inside.slice(1)) call(["ip", "-n", NAMESPACE, ...line.split(" ")]);
}
