import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { UserError } from "../../../src/base/errors.ts";
import { NetworkNamespace } from "../../../src/dataplane/netns.ts";
import { addElements, deleteElement, flushSet } from "../../../src/dataplane/nftables/elements.ts";
import type { Element, NftSet } from "../../../src/dataplane/nftables/elements.ts";
import { nft } from "../../../src/dataplane/nftables/nft.ts";
import { Nftables } from "../../../src/dataplane/nftables/nftables.ts";
import { deleteChain, deleteSet, deleteTable, flushChain } from "../../../src/dataplane/nftables/objects.ts";
import type { Table } from "../../../src/dataplane/nftables/protocol.ts";

const table: Table = { family: "inet", name: "t" };
const names: NftSet = { table, name: "names", key: ["ifname"] };
const bindings: NftSet = { table, name: "bindings", key: ["ifname", "ether", "ipv6"] };
const verdicts: NftSet = { table, name: "verdicts", key: ["ipv4"] };
const ports: NftSet = { table, name: "ports", key: ["proto", "port"], value: ["ipv4", "port"] };
const prefixes: NftSet = { table, name: "prefixes", prefixes: "ipv4" };
const missing: NftSet = { table, name: "missing", key: ["ipv4"] };

const STRUCTURE = `
table inet t {
  counter hits { packets 7 bytes 4242 }
  set names { type ifname; }
  set bindings { type ifname . ether_addr . ipv6_addr; }
  map verdicts { type ipv4_addr : verdict; }
  map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }
  set prefixes { type ipv4_addr; flags interval; }
  chain one { counter; ip saddr vmap @verdicts; }
  chain two { }
  chain three { }
}
table inet other { chain one { }; set names { type ifname; elements = { "other" }; }; }`;

const name = `cnmt-${randomBytes(4).toString("hex")}`;
let namespace: NetworkNamespace;
beforeEach(() => {
  execFileSync("ip", ["netns", "add", name]);
  namespace = NetworkNamespace.open(`/run/netns/${name}`);
});
afterEach(() => {
  namespace.close();
  execFileSync("ip", ["netns", "delete", name]);
});

describe("nftables", () => {
  let tables: Nftables;
  beforeEach(async () => {
    tables = Nftables.open(namespace);
    await nft(STRUCTURE, namespace);
  });
  afterEach(() => tables.close());

  const listed = (...what: string[]): string =>
    execFileSync("ip", ["netns", "exec", name, "nft", "list", ...what], { encoding: "utf8" }).replaceAll(/\s+/g, " ");

  const one: Element = { key: ["cali0"] };
  const errnoOf = (work: () => void): number | undefined => {
    try {
      work();
      return undefined;
    } catch (error) {
      return (error as { errno?: number }).errno;
    }
  };

  test.each<[NftSet, Element[], string]>([
    [names, [{ key: ["cali0123456789a"] }], `elements = { "cali0123456789a" }`],
    [
      bindings,
      [{ key: ["cali0", "02:00:00:00:00:01", "fd80::1"] }],
      `elements = { "cali0" . 02:00:00:00:00:01 . fd80::1 }`,
    ],
    [verdicts, [{ key: ["10.0.0.1"], goto: "two" }], `elements = { 10.0.0.1 : goto two }`],
    [ports, [{ key: ["udp", "53"], value: ["10.0.0.1", "65535"] }], `elements = { udp . 53 : 10.0.0.1 . 65535 }`],
    [
      prefixes,
      ["0.0.0.0/8", "10.0.0.0/24", "10.0.1.0/24", "255.0.0.0/8"].map((cidr) => ({ key: [cidr] })),
      `elements = { 0.0.0.0/8, 10.0.0.0/24, 10.0.1.0/24, 255.0.0.0/8 }`,
    ],
  ])("elements come and go, as often as they are told to: %o", (set, elements, text) => {
    const kind = set === verdicts || set === ports ? "map" : "set";
    for (let time = 0; time < 2; time++) {
      tables.commit(addElements(set, elements));
      expect(listed(kind, "inet", "t", set.name)).toContain(text);
      expect(tables.elements(set)).toEqual(elements);
      expect(elements.map((element) => tables.has(set, element))).toEqual(elements.map(() => true));
    }
    for (let time = 0; time < 2; time++) {
      tables.commit(elements.map((element) => deleteElement(set, element)));
      expect(tables.elements(set)).toEqual([]);
      expect(elements.some((element) => tables.has(set, element))).toBe(false);
    }
    expect(listed("set", "inet", "other", "names")).toContain(`"other"`);
  });

  test("a transaction is carried out whole or not at all", () => {
    const requests = [...addElements(names, [one]), ...addElements(missing, [{ key: ["10.0.0.1"] }])];
    expect(errnoOf(() => tables.commit(requests))).toBe(constants.errno.ENOENT);
    expect(tables.attempt(requests).map((result) => result?.errno)).toEqual([undefined, constants.errno.ENOENT]);
    expect(tables.elements(names)).toEqual([]);
  });

  test("deleting what is gone does not keep the rest of a transaction from happening", () => {
    tables.commit([
      deleteElement(names, { key: ["gone"] }),
      deleteElement(missing, { key: ["10.0.0.1"] }),
      ...addElements(names, [one]),
    ]);
    expect(tables.elements(names)).toEqual([one]);
  });

  test("an element of a map that leads elsewhere already is an error, and so is one that leads nowhere", () => {
    const to = (chain: string): Element[] => [{ key: ["10.0.0.1"], goto: chain }];
    expect(errnoOf(() => tables.commit(addElements(verdicts, to("nowhere"))))).toBe(constants.errno.ENOENT);
    tables.commit(addElements(verdicts, to("two")));
    expect(errnoOf(() => tables.commit(addElements(verdicts, to("three"))))).toBe(constants.errno.EEXIST);
    expect(tables.elements(verdicts)).toEqual(to("two"));
  });

  test("an element of a map that holds another value already is an error, and is deleted by its key", () => {
    const at = (port: string): Element[] => [{ key: ["tcp", "8080"], value: ["10.0.0.1", port] }];
    tables.commit(addElements(ports, at("80")));
    expect(errnoOf(() => tables.commit(addElements(ports, at("81"))))).toBe(constants.errno.EEXIST);
    tables.commit([...at("0").map((element) => deleteElement(ports, element)), ...addElements(ports, at("81"))]);
    expect(tables.elements(ports)).toEqual(at("81"));
  });

  test("what others put into a map reads back too", async () => {
    await nft("add element inet t ports { icmp . 0 : 10.0.0.2 . 1, sctp . 7 : 10.0.0.3 . 9 }\n", namespace);
    expect(tables.elements(ports).toSorted((a, b) => (a.key.join() < b.key.join() ? -1 : 1))).toEqual([
      { key: ["1", "0"], value: ["10.0.0.2", "1"] },
      { key: ["sctp", "7"], value: ["10.0.0.3", "9"] },
    ]);
  });

  test("takes thousands of elements in one transaction", () => {
    const many = Array.from({ length: 5000 }, (_, index) => ({ key: [`i${index}`] }));
    tables.commit(addElements(names, many));
    expect(tables.elements(names)).toHaveLength(5000);
    tables.commit([flushSet(names)]);
    expect(tables.elements(names)).toEqual([]);
  });

  test("reads chains with their rules, sets and counters of one table", () => {
    expect(tables.chains(table)).toEqual(new Map(Object.entries({ one: 2, two: 0, three: 0 })));
    expect(tables.sets(table).toSorted()).toEqual(["bindings", "names", "ports", "prefixes", "verdicts"]);
    expect(tables.counter(table, "hits")).toEqual({ packets: 7, bytes: 4242 });
    expect(tables.counter(table, "none")).toBeUndefined();
    const none: Table = { family: "arp", name: "t" };
    expect(tables.chains(none).size).toBe(0);
    expect(tables.sets(none)).toEqual([]);
    expect(tables.elements({ ...names, table: none })).toEqual([]);
  });

  test("what an element leads to is in use and cannot be deleted", () => {
    const element = { key: ["10.0.0.1"], goto: "two" };
    expect(tables.chainUse(table, "two")).toBe(0);
    tables.commit(addElements(verdicts, [element]));
    expect(tables.chainUse(table, "two")).toBe(1);
    expect(errnoOf(() => tables.commit([deleteChain(table, "two")]))).toBe(constants.errno.EBUSY);
    tables.commit([deleteElement(verdicts, element), deleteChain(table, "two"), deleteChain(table, "two")]);
    expect(tables.chainUse(table, "two")).toBeUndefined();
  });

  test("chains, sets and tables are deleted once and twice; others stay", () => {
    tables.commit([flushChain(table, "one")]);
    expect(tables.chains(table).get("one")).toBe(0);
    expect(errnoOf(() => tables.commit([flushChain(table, "none")]))).toBe(constants.errno.ENOENT);
    for (let time = 0; time < 2; time++) tables.commit([deleteSet(table, "names"), deleteTable(table)]);
    expect(listed("tables").trim()).toBe("table inet other");
  });
});

describe("the nft program", () => {
  let folder: string;
  const path = process.env["PATH"];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  });
  afterEach(() => {
    process.env["PATH"] = path;
    rmSync(folder, { recursive: true });
  });

  /** Puts another program in nft's place. */
  const replaceNft = (script: string): void => {
    writeFileSync(join(folder, "nft"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, "nft"), 0o755);
    process.env["PATH"] = `${folder}:${path ?? ""}`;
  };

  test("a script that it refuses is an error with its words and the line", async () => {
    const refused = nft("add table inet\nadd table inet a b c\n", namespace);
    await expect(refused).rejects.toBeInstanceOf(UserError);
    await expect(refused).rejects.toThrow(/^nft refused its script: .*syntax error.*, in `add table inet`$/);
  });

  test("one that dies in the middle is an error", async () => {
    replaceNft("kill -KILL $$");
    await expect(nft("add table inet never\n".repeat(10_000), namespace)).rejects.toThrow("nft was ended by SIGKILL");
  });

  test("one that hangs is killed after ten seconds", async () => {
    replaceNft("exec sleep 1000");
    await expect(nft("add table inet never\n", namespace)).rejects.toThrow("nft was ended by SIGKILL");
  });

  test("one that does not start is an error that says what to do", async () => {
    // For any reason but a loop the next folder of PATH would be tried.
    symlinkSync("nft", join(folder, "nft"));
    process.env["PATH"] = folder;
    await expect(nft("add table inet never\n", namespace)).rejects.toMatchObject({
      message: expect.stringContaining("cannot start nft"),
      hint: "install the nftables package",
    });
  });
});
