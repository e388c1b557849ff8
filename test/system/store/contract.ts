/** What every Store does, whatever stands behind it. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Guard, KeyValue, Range, Read, Store } from "../../../src/store/store.ts";

/** `open` gives a store that this suite closes; it may hold keys already. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`${name} keeps the contract of Store`, () => {
    let store: Store;
    beforeAll(async () => void (store = await open()));
    afterAll(async () => store.close());

    /** A prefix that no other test uses. */
    const fresh = (): string => `/contract/${randomUUID()}/`;
    const put = async (...keys: string[]): Promise<number> => {
      const writes = keys.map((key) => ({ put: key, value: `value of ${key}` }));
      return (await store.commit({ guards: [], writes })).revision;
    };
    const range = async (read: Read): Promise<Range> => (await store.read([read])).ranges[0] as Range;
    const keys = async (read: Read): Promise<string[]> => (await range(read)).kvs.map((kv) => kv.key);
    /** Whether `guard` lets a write through; tells also that a guard that fails writes nothing. */
    const holds = async (guard: Guard): Promise<boolean> => {
      const key = `${fresh()}probe`;
      const { committed } = await store.commit({ guards: [guard], writes: [{ put: key, value: "" }] });
      expect((await range({ key })).count).toBe(committed ? 1 : 0);
      return committed;
    };

    test("gives back what was written, with etcd's revisions", async () => {
      const key = `${fresh()}a`;
      const created = await put(key);
      expect(await range({ key })).toEqual({
        kvs: [{ key, value: `value of ${key}`, createRevision: created, modRevision: created }],
        count: 1,
      });
      const changed = await put(key);
      expect(changed).toBe(created + 1);
      const [kv] = (await range({ key })).kvs as [KeyValue];
      expect([kv.createRevision, kv.modRevision]).toEqual([created, changed]);
    });

    test("creates a deleted key anew", async () => {
      const key = `${fresh()}a`;
      await put(key);
      await store.commit({ guards: [], writes: [{ delete: key }] });
      expect((await range({ key })).kvs).toEqual([]);
      const again = await put(key);
      expect((await range({ key })).kvs[0]?.createRevision).toBe(again);
    });

    test("counts one revision for a whole transaction, and none for one that changes nothing", async () => {
      const p = fresh();
      const before = await put(`${p}a`);
      const { revision } = await store.commit({
        guards: [],
        writes: [{ put: `${p}b`, value: "" }, { put: `${p}c`, value: "" }, { delete: `${p}a` }],
      });
      expect(revision).toBe(before + 1);
      expect((await store.commit({ guards: [], writes: [{ delete: `${p}a` }] })).revision).toBe(revision);
      expect((await store.commit({ guards: [], writes: [] })).revision).toBe(revision);
      expect(await store.commit({ guards: [{ absent: `${p}b` }], writes: [{ put: `${p}a`, value: "" }] })).toEqual({
        committed: false,
        revision,
      });
      expect(await store.read([])).toEqual({ revision, ranges: [] });
    });

    test.each<[string, (p: string, revision: number) => Guard, boolean]>([
      ["absent key", (p) => ({ absent: `${p}none` }), true],
      ["absent, but it is there", (p) => ({ absent: `${p}a` }), false],
      ["present key", (p) => ({ present: `${p}a` }), true],
      ["present, but it is not there", (p) => ({ present: `${p}none` }), false],
      ["unchanged", (p, revision) => ({ unchanged: `${p}a`, modRevision: revision }), true],
      ["unchanged, but older", (p, revision) => ({ unchanged: `${p}a`, modRevision: revision - 1 }), false],
      ["unchanged, but it is gone", (p, revision) => ({ unchanged: `${p}none`, modRevision: revision }), false],
      ["unchanged, and never there", (p) => ({ unchanged: `${p}none`, modRevision: 0 }), true],
      ["empty prefix", (p) => ({ emptyPrefix: `${p}a/` }), true],
      ["empty prefix, but a key is below", (p) => ({ emptyPrefix: p }), false],
      ["empty range", (p) => ({ emptyRange: { from: `${p}b`, to: `${p}c` } }), true],
      ["empty range, whose end is a key", (p) => ({ emptyRange: { from: p, to: `${p}a` } }), true],
      ["empty range, but a key begins it", (p) => ({ emptyRange: { from: `${p}a`, to: `${p}b` } }), false],
      ["empty range that is upside down", (p) => ({ emptyRange: { from: `${p}b`, to: `${p}a` } }), true],
      ["unwritten prefix", (p, revision) => ({ unwrittenPrefix: p, since: revision }), true],
      ["unwritten prefix, but written", (p, revision) => ({ unwrittenPrefix: p, since: revision - 1 }), false],
      ["unwritten prefix with nothing below", (p) => ({ unwrittenPrefix: `${p}a/`, since: 0 }), true],
    ])("guard: %s", async (_, guard, expected) => {
      const p = fresh();
      const revision = await put(`${p}a`);
      expect(await holds(guard(p, revision))).toBe(expected);
    });

    test("needs every guard", async () => {
      const p = fresh();
      await put(`${p}a`);
      const guards = [{ present: `${p}a` }, { absent: `${p}a` }];
      const { committed } = await store.commit({ guards, writes: [{ delete: `${p}a` }] });
      expect(committed).toBe(false);
      expect((await range({ key: `${p}a` })).count).toBe(1);
    });

    test("reads ranges in key order, whole, limited, without values, counted", async () => {
      const p = fresh();
      await put(`${p}c`, `${p}a`, `${p}b`, `${p}a/x`);
      expect(await keys({ prefix: p })).toEqual([`${p}a`, `${p}a/x`, `${p}b`, `${p}c`]);
      expect(await keys({ from: `${p}a/`, to: `${p}c` })).toEqual([`${p}a/x`, `${p}b`]);
      expect(await keys({ from: `${p}c`, to: `${p}a` })).toEqual([]);
      expect(await keys({ from: `${p}a`, to: "" })).toEqual([]);
      expect(await keys({ from: "", to: "\0" })).toEqual([]);
      expect(await keys({ from: "", to: `${p}b` })).toEqual(expect.arrayContaining([`${p}a`, `${p}a/x`]));
      const limited = await range({ prefix: p, limit: 2 });
      expect([limited.kvs.map((kv) => kv.key), limited.count]).toEqual([[`${p}a`, `${p}a/x`], 4]);
      const bare = await range({ prefix: p, keysOnly: true });
      expect(bare.kvs.map((kv) => kv.value)).toEqual(["", "", "", ""]);
      expect(bare.kvs[0]?.modRevision).toBeGreaterThan(1);
      expect(await range({ prefix: p, countOnly: true })).toEqual({ kvs: [], count: 4 });
    });

    test("deletes a prefix and a range, and nothing beside them", async () => {
      const p = fresh();
      await put(`${p}a`, `${p}a/1`, `${p}a/2`, `${p}a0`, `${p}b`, `${p}c`);
      await store.commit({ guards: [], writes: [{ deletePrefix: `${p}a/` }] });
      expect(await keys({ prefix: p })).toEqual([`${p}a`, `${p}a0`, `${p}b`, `${p}c`]);
      await store.commit({ guards: [], writes: [{ deleteRange: { from: `${p}a0`, to: `${p}c` } }] });
      expect(await keys({ prefix: p })).toEqual([`${p}a`, `${p}c`]);
      await store.commit({ guards: [], writes: [{ deleteRange: { from: `${p}c`, to: `${p}a` } }] });
      expect(await keys({ prefix: p })).toEqual([`${p}a`, `${p}c`]);
    });

    test("takes prefixes that end anywhere, also at the last character there is", async () => {
      const p = fresh();
      const names = ["\u{7f}", "\u{7f}\u{7f}", "ÿ", "ÿx", "Ā", "\u{10ffff}", "\u{10ffff}\u{10ffff}", "\uffff"];
      await put(...names.map((name) => p + name));
      expect(await keys({ prefix: `${p}\u{7f}` })).toEqual([`${p}\u{7f}`, `${p}\u{7f}\u{7f}`]);
      expect(await keys({ prefix: `${p}ÿ` })).toEqual([`${p}ÿ`, `${p}ÿx`]);
      expect(await keys({ prefix: `${p}\u{10ffff}` })).toEqual([`${p}\u{10ffff}`, `${p}\u{10ffff}\u{10ffff}`]);
      // By bytes U+FFFF comes before U+10FFFF; by UTF-16 units it would come after it.
      expect((await keys({ prefix: p })).slice(-3)).toEqual(
        ["\uffff", "\u{10ffff}", "\u{10ffff}\u{10ffff}"].map((name) => p + name),
      );
      expect(await keys({ prefix: "" })).toEqual(expect.arrayContaining(names.map((name) => p + name)));
    });

    test("keeps any text: empty, Unicode, control characters, large", async () => {
      const p = fresh();
      const values = ["", "naïve 日本 🐈", "line\nbreak\0and nul", '{"json":"\\"}', "x".repeat(1_000_000)];
      const writes = values.map((value, i) => ({ put: `${p}${i}`, value }));
      await store.commit({ guards: [], writes });
      expect((await range({ prefix: p })).kvs.map((kv) => kv.value)).toEqual(values);
    });

    test("answers more reads than one transaction holds, in order and of one revision", async () => {
      const p = fresh();
      const wanted = Array.from({ length: 300 }, (_, i) => `${p}${i}`);
      for (let i = 0; i < wanted.length; i += 100) await put(...wanted.slice(i, i + 100));
      await put(`${p}0`, `${p}299`);
      const writing = (async () => {
        for (let i = 0; i < 100; i++) await put(`${p}0`, `${p}299`);
      })();
      for (let i = 0; i < 20; i++) {
        const { ranges, revision } = await store.read(wanted.map((key) => ({ key })));
        expect(ranges.map((found) => found.kvs[0]?.key)).toEqual(wanted);
        const [first, last] = [ranges[0]?.kvs[0]?.modRevision, ranges[299]?.kvs[0]?.modRevision];
        expect(last).toBe(first);
        expect(revision).toBeGreaterThanOrEqual(first as number);
      }
      await writing;
    });

    test("lets exactly one of 32 claims of a key win", async () => {
      const key = `${fresh()}claimed`;
      const claims = Array.from({ length: 32 }, async (_, i) =>
        store.commit({ guards: [{ absent: key }], writes: [{ put: key, value: `claim ${i}` }] }),
      );
      const outcomes = await Promise.all(claims);
      const winner = outcomes.findIndex((outcome) => outcome.committed);
      expect(outcomes.filter((outcome) => outcome.committed)).toHaveLength(1);
      expect((await range({ key })).kvs[0]?.value).toBe(`claim ${winner}`);
    });

    test.each<[string, (p: string) => Promise<unknown>, RegExp]>([
      ["an empty key", async () => store.read([{ key: "" }]), /key is not provided/],
      ["one key put twice", async (p) => put(p, p), /duplicate key/],
      [
        "a key put and deleted at once",
        async (p) => store.commit({ guards: [], writes: [{ put: `${p}a`, value: "" }, { deletePrefix: p }] }),
        /duplicate key/,
      ],
      ["129 writes", async (p) => put(...Array.from({ length: 129 }, (_, i) => p + i)), /too many operations/],
    ])("refuses %s", async (_, work, message) => {
      await expect(work(fresh())).rejects.toMatchObject({ code: "failure", message: expect.stringMatching(message) });
    });
  });
}
