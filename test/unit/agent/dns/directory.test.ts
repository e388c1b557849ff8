import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { type Attached, Directory } from "../../../../src/agent/dns/directory.ts";
import { directoryOf, endpoint } from "./fixture.ts";

const one = endpoint("web.a", ["10.1.0.1"], { aliases: ["front", "WEB"] });
const two = endpoint("db.a", ["10.1.0.2"], { aliases: ["front"], sandboxId: undefined });

test("what changes is found by its new names and addresses alone", () => {
  const directory = directoryOf(one, two);
  const after = { ...one, aliases: ["back"], addresses: ["10.1.0.9"] };
  directory.change(one, after);
  expect(directory.named("id-a", "front")).toEqual([two]);
  expect(directory.named("id-a", "web")).toEqual([after]);
  expect(directory.named("id-a", "back")).toEqual([after]);
  expect([directory.at("10.1.0.1"), directory.at("10.1.0.9")]).toEqual([undefined, after]);
  expect(directory.inSandbox(one.sandboxId ?? "")).toEqual([after]);
  expect(directory.inSandbox("sandbox of db.a")).toEqual([]);
});

test("an address that has gone to another is the other's, in whatever order it is told", () => {
  const directory = directoryOf(one);
  const heir = endpoint("heir.b", ["10.1.0.1"]);
  directory.change(undefined, heir);
  directory.change(one, undefined);
  expect(directory.at("10.1.0.1")).toEqual(heir);
});

test("after any changes it knows what it would know from the start, and forgets whole networks", () => {
  const endpoints = fc.record({
    slot: fc.nat(5),
    network: fc.constantFrom("a", "b"),
    aliases: fc.array(fc.constantFrom("x", "Y", "web")),
    sandboxId: fc.constantFrom("s", undefined),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(endpoints), (changes) => {
      const directory = new Directory();
      const now = new Map<number, Attached>();
      for (const { slot, network, aliases, sandboxId, gone } of changes) {
        const before = now.get(slot);
        const name = `s${slot}.${before ? before.networkId.slice(3) : network}`;
        const after = gone ? undefined : endpoint(name, [`10.0.0.${slot}`], { aliases, sandboxId });
        directory.change(before, after);
        if (after) now.set(slot, after);
        else now.delete(slot);
      }
      const ids = (found: readonly Attached[]): string[] => found.map(({ id }) => id).toSorted();
      const fresh = directoryOf(...now.values());
      for (const label of ["x", "y", "web", "s0", "s1", "s5"])
        for (const id of ["id-a", "id-b"]) expect(ids(directory.named(id, label))).toEqual(ids(fresh.named(id, label)));
      expect(ids(directory.inSandbox("s"))).toEqual(ids(fresh.inSandbox("s")));
      directory.forget("id-a");
      for (const { addresses, networkId } of now.values())
        expect(directory.at(addresses[0] ?? "")?.networkId).toBe(networkId === "id-a" ? undefined : "id-b");
    }),
  );
});
