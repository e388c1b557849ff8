import { describe, expect, test } from "@jest/globals";
import { closingLine, countJest, total, type JestResult } from "../../../scripts/test/count.ts";

const result = (numbers: Partial<JestResult>): JestResult => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  ...numbers,
});
const whole = { partial: false };
const partial = { partial: true };

describe("counting jest's results", () => {
  test("counts what passed and what failed", () => {
    expect(countJest(result({ numPassedTests: 7, numFailedTests: 2 }), 1, whole)).toEqual({
      passed: 7,
      failed: 2,
      remarks: [],
    });
  });

  test("a file that could not run is a failure", () => {
    expect(countJest(result({ numPassedTests: 7, numRuntimeErrorTestSuites: 1 }), 1, whole)).toMatchObject({
      failed: 1,
    });
  });

  test("a test left out is a failure, unless only some were asked for", () => {
    const some = result({ numPassedTests: 1, numPendingTests: 2, numTodoTests: 1 });
    expect(countJest(some, 0, whole)).toEqual({ passed: 1, failed: 3, remarks: ["3 tests were left out"] });
    expect(countJest(some, 0, partial)).toEqual({ passed: 1, failed: 0, remarks: [] });
  });

  test("jest's exit code is believed even if no test failed", () => {
    expect(countJest(result({ numPassedTests: 3 }), 1, whole)).toEqual({
      passed: 3,
      failed: 1,
      remarks: ["all tests passed, but jest ended with 1"],
    });
  });

  test("no result at all is a failure", () => {
    expect(countJest(undefined, 134, partial)).toMatchObject({ passed: 0, failed: 1 });
  });

  test("the closing line adds up every part", () => {
    const counts = [
      countJest(result({ numPassedTests: 3 }), 0, whole),
      countJest(result({ numFailedTests: 4 }), 1, whole),
    ];
    expect(closingLine(total(counts))).toBe("3 passed, 4 failed");
  });
});
