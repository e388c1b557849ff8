import { expect, test } from "@jest/globals";
import { parseChange } from "../../../../src/dataplane/netlink/change.ts";
import type { NetworkChange } from "../../../../src/dataplane/netlink/change.ts";
import { attr } from "../../../../src/dataplane/netlink/message.ts";

const parse = (type: number, ...parts: Buffer[]): NetworkChange | undefined =>
  parseChange({ type, flags: 0, sequence: 0, port: 0, payload: Buffer.concat(parts) });

/** struct ndmsg: family, index, state. */
function neighbour(family: number, state: number): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(family, 0);
  header.writeInt32LE(5, 4);
  header.writeUInt16LE(state, 8);
  return header;
}

const [NEW, DELETE] = [28, 29];
const [INET, INET6, BRIDGE] = [2, 10, 7];
const [REACHABLE, FAILED, PERMANENT] = [0x02, 0x20, 0x80];

test.each([
  [NEW, INET, PERMANENT, true],
  [NEW, INET6, PERMANENT, true],
  [DELETE, INET, FAILED, true],
  [NEW, INET, REACHABLE, false],
  [NEW, INET6, FAILED, false],
  [NEW, BRIDGE, PERMANENT, false],
  [DELETE, BRIDGE, PERMANENT, false],
])("neighbours that somebody set or removed: type %d, family %d, state %d", (type, family, state, told) => {
  expect(parse(type, neighbour(family, state))).toEqual(told ? { kind: "neighbour", index: 5 } : undefined);
});

test.each([24, 25])("a route (%d) is about its interface, if it has a single one", (type) => {
  expect(parse(type, Buffer.alloc(12), attr.u32(1, 9), attr.u32(4, 5))).toEqual({ kind: "route", index: 5 });
  expect(parse(type, Buffer.alloc(12))).toEqual({ kind: "route" });
});

test("settings of all interfaces, and of those to come, are about none", () => {
  for (const index of [-1, -2]) expect(parse(80, Buffer.alloc(4), attr.i32(1, index))).toEqual({ kind: "setting" });
  expect(parse(81, Buffer.alloc(4), attr.i32(1, 5))).toEqual({ kind: "setting", index: 5 });
});

test.each([2, 3, 36, 52, 88, 89])("other messages (%d) are no changes", (type) => {
  expect(parse(type, Buffer.alloc(64))).toBeUndefined();
});

test.each([
  [16, 0, false],
  [17, 0, true],
  [17, BRIDGE, false],
])("a link that is gone (type %d, family %d) is told from one that has left a bridge", (type, family, isGone) => {
  const header = Buffer.alloc(16);
  header.writeUInt8(family, 0);
  header.writeInt32LE(5, 4);
  const told = { kind: "link", index: 5, name: "cali0" };
  expect(parse(type, header, attr.string(3, "cali0"))).toEqual(isGone ? { ...told, isGone } : told);
});
