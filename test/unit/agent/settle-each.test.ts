import { expect, jest, test } from "@jest/globals";
import { UserError } from "../../../src/base/errors.ts";
import { type Settled, settleEach } from "../../../src/agent/settle-each.ts";
import type { Finding } from "../../../src/cnm/findings.ts";

async function all(findings: readonly Finding[]): Promise<Settled["problem"][]> {
  const problems: Settled["problem"][] = [];
  for await (const { problem } of settleEach(findings)) problems.push(problem);
  return problems;
}

test("what many findings have in common is done once, and tells for all of them", async () => {
  const repair = jest.fn(async () => {});
  const other = jest.fn(async () => {});
  const problems = await all([
    { object: "address 1", what: "should not be there", repair },
    { object: "the firewall", what: "lacks a rule", repair: other },
    { object: "address 2", what: "should not be there", repair },
    { object: "docker0", what: "is in the way", remedy: "delete it" },
  ]);
  expect([repair.mock.calls.length, other.mock.calls.length]).toEqual([1, 1]);
  expect(problems).toEqual([
    { object: "address 1", what: "should not be there", repaired: true },
    { object: "the firewall", what: "lacks a rule", repaired: true },
    { object: "address 2", what: "should not be there", repaired: true },
    { object: "docker0", what: "is in the way", remedy: "delete it", repaired: false },
  ]);
});

test("when it fails, it fails for all, with the same remedy", async () => {
  const repair = jest.fn(() => Promise.reject(new UserError("failure", "the kernel is out of memory")));
  const problems = await all([
    { object: "route 1", what: "is missing", repair },
    { object: "route 2", what: "is missing", repair },
  ]);
  expect(repair).toHaveBeenCalledTimes(1);
  expect(problems).toEqual(
    ["route 1", "route 2"].map((object) => ({
      ...{ object, what: "is missing", remedy: "the kernel is out of memory" },
      repaired: false,
    })),
  );
});
