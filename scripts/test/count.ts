/** The parts of jest's `--json` answer that are counted. */
export interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  /** Test files that broke before or between their tests. */
  readonly numRuntimeErrorTestSuites: number;
}

export interface Count {
  readonly passed: number;
  readonly failed: number;
  /** What failed without jest having shown it. */
  readonly remarks: readonly string[];
}

/**
 * Counts one run of jest. A file that could not run is a failure, and so is a test that was left out: nothing is
 * skipped in silence. Jest's own word that all is well must agree with its numbers.
 *
 * @param result undefined when jest left none.
 * @param options.partial the person asked for some tests only, so that the others are rightly left out.
 */
export function countJest(result: JestResult | undefined, exitCode: number, options: { partial: boolean }): Count {
  if (result === undefined) return { passed: 0, failed: 1, remarks: [`jest ended with ${exitCode} and no result`] };
  const remarks: string[] = [];
  const left = options.partial ? 0 : result.numPendingTests + result.numTodoTests;
  if (left > 0) remarks.push(`${left} tests were left out`);
  let failed = result.numFailedTests + result.numRuntimeErrorTestSuites + left;
  if (failed === 0 && exitCode !== 0) {
    failed = 1;
    remarks.push(`all tests passed, but jest ended with ${exitCode}`);
  }
  return { passed: result.numPassedTests, failed, remarks };
}

export const total = (counts: readonly Count[]): Count => ({
  passed: counts.reduce((sum, count) => sum + count.passed, 0),
  failed: counts.reduce((sum, count) => sum + count.failed, 0),
  remarks: counts.flatMap((count) => count.remarks),
});

/** The line that closes every run. */
export const closingLine = (count: Count): string => `${count.passed} passed, ${count.failed} failed`;
