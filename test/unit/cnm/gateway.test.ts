import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { type Candidate, electGateway } from "../../../src/cnm/gateway.ts";

const candidate = (networkName: string, more: Partial<Candidate> = {}): Candidate => ({
  endpointId: networkName,
  networkName,
  internal: false,
  families: 1,
  priority: 0,
  ...more,
});

test.each([
  ["nobody of none", [], undefined],
  ["the only one", [candidate("a")], "a"],
  ["the first network by name", [candidate("b"), candidate("a"), candidate("c")], "a"],
  ["more families before the name", [candidate("a"), candidate("b", { families: 2 })], "b"],
  ["a way out before families", [candidate("a", { families: 2, internal: true }), candidate("b")], "b"],
  ["priority before all else", [candidate("a", { families: 2 }), candidate("b", { internal: true, priority: 1 })], "b"],
  ["no priority before a negative one", [candidate("a", { priority: -1 }), candidate("b")], "b"],
  ["names by their characters, not by any language", [candidate("a"), candidate("B")], "B"],
  ["the id when all is equal", [candidate("a", { endpointId: "2" }), candidate("a", { endpointId: "1" })], "1"],
])("elects %s", (_, candidates, winner) => {
  expect(electGateway(candidates)?.endpointId).toBe(winner);
});

test("elects the same whatever the order, and one of those that stand", () => {
  const one = fc.record({
    endpointId: fc.nat().map(String),
    networkName: fc.constantFrom("a", "b"),
    internal: fc.boolean(),
    families: fc.integer({ min: 1, max: 2 }),
    priority: fc.integer({ min: -1, max: 1 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(one, { selector: ({ endpointId }) => endpointId }), (all) => {
      const winner = electGateway(all);
      expect(electGateway(all.toReversed())).toBe(winner);
      expect(winner === undefined).toBe(all.length === 0);
      // Whoever loses does not change the election by leaving.
      for (const loser of all.filter((each) => each !== winner))
        expect(electGateway(all.filter((each) => each !== loser))).toBe(winner);
    }),
  );
});
