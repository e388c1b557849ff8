import { describe, expect, test } from "@jest/globals";
import { asked, client, dataOf, directoryOf, endpoint, mapOf, network, read, query } from "./fixture.ts";
import { clientAt, mayAskOutside } from "../../../../src/agent/dns/client.ts";
import { answer } from "../../../../src/agent/dns/answer.ts";
import { readQuery, udpReply } from "../../../../src/agent/dns/message.ts";
import { decode } from "dns-packet";

const both = { sandboxId: "s1" };
const world = {
  networks: mapOf(network("a"), network("b"), network("Inner", { internal: true }), network("c")),
  directory: directoryOf(
    endpoint("web.a", ["10.1.0.1", "fd00::1"], { ...both, aliases: ["front"] }),
    endpoint("web.b", ["10.2.0.1"], { ...both, priority: 5 }),
    endpoint("db.a", ["10.1.0.2", "fd00::2"], { aliases: ["Front"], sandboxId: undefined }),
    endpoint("db.b", ["10.2.0.2"]),
    endpoint("other.a", ["10.1.0.3"], { aliases: ["db", "mine"] }),
    endpoint("alone.Inner", ["10.3.0.1"]),
    endpoint("store.Inner", ["10.3.0.2"], { sandboxId: "s2" }),
    endpoint("store.c", ["10.4.0.2"], { sandboxId: "s2" }),
  ),
};
const WEB = "10.1.0.1";
const OTHER = "10.1.0.3";
const ALONE = "10.3.0.1";

describe("a service's name", () => {
  test.each([
    ["in any spelling", OTHER, "WEB", ["10.1.0.1"]],
    ["with its network's", OTHER, "web.A", ["10.1.0.1"]],
    ["with its network's and its driver's", OTHER, "web.a.Calico", ["10.1.0.1"]],
    ["alone: the network that comes first in the election has it", WEB, "db", ["10.2.0.2"]],
    ["of the other network, by that one's name", WEB, "db.a", ["10.1.0.2"]],
    ["goes before another's alias", OTHER, "db", ["10.1.0.2"]],
    ["its alias, together with whoever has the same", OTHER, "front", ["10.1.0.1", "10.1.0.2"]],
    ["of an internal network, for who is on it", ALONE, "store.inner", ["10.3.0.2"]],
  ])("%s", (_, source, name, data) => {
    expect(dataOf(asked(world, source, name))).toEqual(data);
  });

  test.each(["web.a.bridge", "web.b", "cache", "a", "b.web", "web.a.calico.x", ".", "x.web.a"])(
    "%j is nobody's, as one on network a sees it",
    (name) => {
      expect(asked(world, OTHER, name)).toBeUndefined();
    },
  );

  test("the other families and types are told apart from a name that is not there", () => {
    expect(dataOf(asked(world, OTHER, "web", "AAAA"))).toEqual(["fd00::1"]);
    expect(dataOf(asked(world, OTHER, "web", "ANY"))).toEqual(["10.1.0.1", "fd00::1"]);
    for (const type of ["MX", "TXT", "PTR", "UNKNOWN_65"])
      expect(asked(world, OTHER, "web", type)).toMatchObject({ rcode: "NOERROR", answers: [] });
    expect(asked(world, WEB, "web", "AAAA")).toMatchObject({ rcode: "NOERROR", answers: [] });
    expect(asked(world, OTHER, "x.y.calico")).toMatchObject({ rcode: "NXDOMAIN" });
  });

  test("an answer repeats the question as it was asked, says that it knows, and is soon forgotten", () => {
    const reply = asked(world, OTHER, "WeB.a");
    expect(reply).toMatchObject({ id: 77, flag_qr: true, flag_aa: true, flag_rd: true, flag_ra: true, flag_tc: false });
    expect(reply?.questions).toEqual([{ name: "WeB.a", type: "A", class: "IN" }]);
    expect(reply?.answers).toMatchObject([{ name: "WeB.a", type: "A", ttl: 5 }]);
  });

  test("other classes than the internet's are not ours", () => {
    expect(asked(world, OTHER, "web", "A", { questions: [{ name: "web", type: "A", class: "CH" }] })).toBeUndefined();
  });
});

describe("an address's name", () => {
  test.each([
    ["2.0.1.10.in-addr.arpa", ["db.a"]],
    ["1.0.1.10.IN-ADDR.ARPA", ["web.a"]],
    [`2.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, ["db.a"]],
  ])("%s", (name, data) => {
    expect(dataOf(asked(world, OTHER, name, "PTR"))).toEqual(data);
  });

  test.each(["2.0.2.10.in-addr.arpa", "256.0.1.10.in-addr.arpa", "0.1.10.in-addr.arpa", "02.0.1.10.in-addr.arpa"])(
    "%s is nobody's, as one on network a sees it",
    (name) => {
      expect(asked(world, OTHER, name, "PTR")).toBeUndefined();
    },
  );

  test("has nothing but that, and is not told when DNS has no words for it", () => {
    expect(asked(world, OTHER, "2.0.1.10.in-addr.arpa", "A")).toMatchObject({ rcode: "NOERROR", answers: [] });
    const long = endpoint(`${"x".repeat(64)}.a`, ["10.1.0.9"]);
    const directory = directoryOf(endpoint("other.a", [OTHER]), long);
    expect(asked({ ...world, directory }, OTHER, "9.0.1.10.in-addr.arpa", "PTR")).toBeUndefined();
  });
});

describe("who asks", () => {
  test("is an endpoint of this node, or nobody", () => {
    for (const source of ["10.1.0.2", "10.9.9.9", "198.51.100.1", ""])
      expect(clientAt(source, world.directory, world.networks)).toBeUndefined();
    expect(client(world, WEB).networks.map(({ name }) => name)).toEqual(["b", "a"]);
  });

  test("on internal networks alone, is told that the world is not there; with another way out, may ask", () => {
    expect(asked(world, ALONE, "world.example")).toMatchObject({ rcode: "NXDOMAIN" });
    expect(mayAskOutside(client(world, ALONE))).toBe(false);
    expect(mayAskOutside(client(world, "10.3.0.2"))).toBe(true);
    expect(asked(world, "10.3.0.2", "world.example")).toBeUndefined();
  });
});

test("what does not fit into a datagram is told without records, by TCP with as many as it carries", () => {
  const many = Array.from({ length: 300 }, (_, index) =>
    endpoint(`s${index}.a`, [`10.5.${index >> 8}.${index & 255}`], { aliases: ["all"] }),
  );
  const directory = directoryOf(endpoint("other.a", [OTHER]), ...many);
  const told = (more: object = {}): number[] => {
    const asking = read(query("all", "A", more));
    const whole = answer(asking, client({ ...world, directory }, OTHER), directory);
    if (!whole) throw new Error("no answer");
    const short = decode(udpReply(asking, whole));
    return [decode(whole).answers?.length ?? 0, short.answers?.length ?? 0, Number(short.flag_tc)];
  };
  expect(told()).toEqual([128, 0, 1]);
  const edns = { type: "OPT", name: ".", udpPayloadSize: 65_000, options: [] };
  expect(told({ additionals: [edns] })).toEqual([128, 0, 1]);
});

test("who speaks EDNS is answered so", () => {
  const edns = { type: "OPT", name: ".", udpPayloadSize: 4096, flags: 0, options: [] } as never;
  expect(asked(world, OTHER, "web", "A", { additionals: [edns] })?.additionals).toMatchObject([
    { type: "OPT", udpPayloadSize: 1232 },
  ]);
  expect(asked(world, OTHER, "web")?.additionals).toEqual([]);
});

test.each([
  ["an update", { flags: 5 << 11 }, 4],
  ["two questions", { questions: [1, 2].map(() => ({ name: "web", type: "A" as const })) }, 1],
  ["no question", { questions: [] }, 1],
  ["an answer in a query", { answers: [{ name: "web", type: "A" as const, data: "10.0.0.1" }] }, 1],
])("%s is refused in the words of the protocol", (_, more, rcode) => {
  const found = readQuery(query("web", "A", more));
  if (!found || !("refusal" in found)) throw new Error("it was taken");
  expect(found.refusal.readUInt16BE(0)).toBe(77);
  expect(found.refusal.readUInt8(3) & 15).toBe(rcode);
});
