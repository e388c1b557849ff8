import { expect, test } from "@jest/globals";
import { sandboxParts } from "../../../src/cnm/sandboxes.ts";
import type { NetworkRecord, SandboxRecord } from "../../../src/store/records.ts";

/** What etcd takes in one transaction unless it is told otherwise (--max-txn-ops). */
const MOST_OPERATIONS = 128;

const networks = (count: number): NetworkRecord[] =>
  Array.from({ length: count }, (_, n) => ({
    v: 1,
    id: String(n).padStart(64, "0"),
    name: `n${n}`,
    driver: "calico",
    internal: false,
    ipv6: false,
    labels: {},
    options: {},
    pools: [],
    createdAt: "2024-01-01T00:00:00.000Z",
  }));

const sandbox: SandboxRecord = {
  v: 1,
  id: "f".repeat(64),
  node: "node",
  runtime: "pid",
  containerId: "1",
  namespace: { path: "/proc/1/ns/net", inode: "1", cookie: "1" },
  bootId: "boot",
  endpoints: [{ networkId: "0".repeat(64), endpointId: "e".repeat(64) }],
  createdAt: "2024-01-01T00:00:00.000Z",
};

test("a container is on as many networks as a transaction can tell of, and refused one more in words", () => {
  const { writes } = sandboxParts(undefined, sandbox, networks(120));
  // The endpoint itself changes in the same transaction.
  expect(writes.length + 1).toBeLessThanOrEqual(MOST_OPERATIONS);
  expect(() => sandboxParts(undefined, sandbox, networks(121))).toThrow(expect.objectContaining({ code: "conflict" }));
});
