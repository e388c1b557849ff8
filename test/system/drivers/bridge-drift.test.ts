/** What other hands do to bridges: check names it, and check --repair or the node mends it. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ping, type Container } from "../../helpers/container.ts";
import { arpReply, sendFrame } from "../../helpers/frames.ts";
import { INTERNET, makeHost, type Host } from "../../helpers/host.ts";
import { startNode } from "../../helpers/node.ts";
import { must, until } from "../../helpers/process.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { attachNew, type Attached } from "../cnm/services.ts";

const WRONG = 6;
const METRICS = "127.0.0.1:9099";

let host: Host;
let resident: Resident;
let one: Container;
let two: Container;
let own: Attached;
let other: Attached;
let bridge: string;
beforeAll(async () => {
  host = await makeHost();
  resident = startResident(host);
  [one, two] = [await host.container(), await host.container()];
  const id = await resident.must("network", "create", "-d", "bridge", "--ipv6", "a");
  bridge = `cbr-${id.slice(0, 11)}`;
  [own, other] = [await attachNew(resident, one, "one.a"), await attachNew(resident, two, "two.a")];
});
afterAll(async () => {
  await resident?.close();
  await host?.close();
});

const onHost = (...words: string[]): Promise<unknown> => must(words, { namespace: host.namespace });
const inside = (...words: string[]): Promise<unknown> => must(words, { namespace: one.namespace });

/** What is done, and what check names. */
const drifts: Record<string, readonly [() => Promise<unknown>, RegExp]> = {
  "the bridge is deleted": [
    () => onHost("ip", "link", "delete", bridge),
    /bridge of network a +is missing.*\n.*(\n.*)*cbe-\w+ +is no port of its bridge/,
  ],
  "the bridge is down": [() => onHost("ip", "link", "set", bridge, "down"), /cbr-\w+ of network a +is down/],
  "the bridge is renamed": [
    async () => {
      await onHost("ip", "link", "set", bridge, "down");
      await onHost("ip", "link", "set", bridge, "name", "renamed0");
    },
    /bridge of network a +is missing/,
  ],
  "the bridge has another MAC": [
    () => onHost("ip", "link", "set", bridge, "address", "02:00:00:00:00:01"),
    /cbr-\w+ of network a +has another MAC/,
  ],
  "the gateway's addresses are gone": [() => onHost("ip", "address", "flush", "dev", bridge), /172\.17\.0\.1\/16/],
  "the gateway has an address of another's": [
    () => onHost("ip", "address", "add", "10.9.9.9/24", "dev", bridge),
    /10\.9\.9\.9\/24 .*should not be there/,
  ],
  "the route to the bridge is deleted": [
    () => onHost("ip", "route", "delete", "172.17.0.0/16"),
    /route 172\.17\.0\.0\/16 .*is missing/,
  ],
  "a port is freed": [() => onHost("ip", "link", "set", own.hostInterface, "nomaster"), /no port of its bridge/],
  "a port is deleted": [() => onHost("ip", "link", "delete", own.hostInterface), /cbe-.* is missing/],
  "a port is renamed": [() => onHost("ip", "link", "set", own.hostInterface, "name", "renamed0"), /cbe-.* is missing/],
  "the container's end has another MAC": [
    () => inside("ip", "link", "set", "eth0", "address", "02:00:00:00:00:01"),
    /has another MAC/,
  ],
  "the container's default route is deleted": [
    () => inside("ip", "route", "delete", "default"),
    /route 0\.0\.0\.0\/0 via 172\.17\.0\.1/,
  ],
  "the container's way to its link is deleted": [
    () => inside("ip", "-6", "route", "delete", `${(own.ip6 ?? "").replace(/::.*/, "::")}/64`),
    /route fd[0-9a-f:]+\/64/,
  ],
  "the whole ruleset is flushed": [() => onHost("nft", "flush", "ruleset"), /firewall of bridges/],
  "a chain is emptied": [
    () => onHost("nft", "flush", "chain", "bridge", "calico_cnm_bridge", "source"),
    /chain source was changed/,
  ],
  "an element is deleted": [
    () => onHost("nft", "delete", "element", "inet", "calico_cnm_bridge", "from", `{ ${bridge} }`),
    /firewall of interface cbr-\w+ +lacks from/,
  ],
  "a strange element is added": [
    () =>
      onHost(
        ...["nft", "add", "element", "bridge", "calico_cnm_bridge", "bindings4"],
        `{ cbe-00000000000 . 02:00:00:00:00:09 . 172.17.0.9 }`,
      ),
    /cbe-00000000000 .*left over/,
  ],
  "a bridge of nobody stands": [
    () => onHost(...["ip", "link", "add", "cbr-00000000000", "address", "ee:ca:11:c0:c7:02", "type", "bridge"]),
    /cbr-00000000000 +is a bridge without/,
  ],
  "IPv4 forwarding is off": [() => onHost("sysctl", "-qw", "net.ipv4.ip_forward=0"), /IPv4 forwarding/],
};

/** Where the containers should get to and do not. */
const brokenWays = async (): Promise<string[]> => {
  const ways = [
    ...[other.ip, other.ip6 ?? "", INTERNET.address, INTERNET.address6].map((to) => ({ from: one, to })),
    ...[own.ip, own.ip6 ?? ""].map((to) => ({ from: two, to })),
  ];
  const reached = await Promise.all(ways.map(({ from, to }) => ping(from, to)));
  return ways.flatMap(({ to }, index) => (reached[index] === true ? [] : [to]));
};

describe("check names what is wrong, and --repair mends it", () => {
  test.each(Object.entries(drifts))("when %s", async (_, [drift, named]) => {
    await drift();
    const found = await resident.calicoctl("check");
    expect(found).toMatchObject({ code: WRONG });
    expect(found.stdout).toMatch(named);
    // It only looked.
    expect((await resident.calicoctl("check")).stdout).toBe(found.stdout);
    expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
    expect(await resident.calicoctl("check")).toMatchObject({ code: 0, stdout: "" });
    expect(await brokenWays()).toEqual([]);
  });
});

test("a bridge that is not ours is left alone, and named", async () => {
  const name = "cbr-0123456789a";
  await onHost("ip", "link", "add", name, "type", "bridge");
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: WRONG });
  await onHost("ip", "link", "delete", name);
});

test("a detach leaves the bridge to an endpoint whose port somebody has freed", async () => {
  await onHost("ip", "link", "set", own.hostInterface, "nomaster");
  await resident.must("service", "detach", "two.a");
  await onHost("ip", "link", "show", bridge);
  expect(await resident.calicoctl("check", "--repair")).toMatchObject({ code: 0 });
  await resident.must("service", "attach", two.ref, "two.a");
  expect(await brokenWays()).toEqual([]);
});

test("the node mends them without a command", async () => {
  const node = await startNode(host, resident, "--metrics-address", METRICS);
  const isRight = async (): Promise<boolean> => (await resident.calicoctl("check")).code === 0;
  const repairs = async (): Promise<number> =>
    (await resident.must("events", "-o", "json")).split("\n").filter((line) => line.includes('"repaired"')).length;
  await until("all is right before", isRight);
  for (const drift of [
    ["ip", "link", "delete", bridge],
    ["ip", "link", "set", own.hostInterface, "nomaster"],
    ["ip", "address", "flush", "dev", bridge],
    ["nft", "flush", "ruleset"],
  ]) {
    const before = await repairs();
    await onHost(...drift);
    await until("it is mended", async () => (await repairs()) > before && (await isRight()));
    expect(await brokenWays()).toEqual([]);
  }
  // What the firewall of bridges drops is counted where that of the other driver is.
  const spoofed = async (): Promise<number> => {
    const { stdout } = await host.exec(["curl", "-s", `http://${METRICS}/metrics`]);
    return Number(/dropped_packets_total\{cause="spoofed"\} (\d+)/.exec(stdout)?.[1]);
  };
  const before = await spoofed();
  const mac = await must(["cat", "/sys/class/net/eth0/address"], { namespace: one.namespace });
  await sendFrame(one.namespace, "eth0", arpReply(mac.trim(), other.ip));
  await until("it is counted", async () => (await spoofed()) > before);
  await node.stop();
});
