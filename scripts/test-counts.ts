export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The part of vitest's JSON report that this module reads. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

/**
 * Counts vitest's results. A file that failed without a failed test (it did not load, or a hook threw) counts as one
 * failure. So does a run that failed without naming a failure: a crash, an unhandled rejection, or no tests found.
 * @param report vitest's JSON report; null when vitest did not write one
 * @param exitCode vitest's exit code
 */
export function countOutcomes(report: string | null, exitCode: number): Counts {
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const read = JSON.parse(report) as Report;
  const brokenFiles = read.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const failed = read.numFailedTests + brokenFiles;
  return {
    passed: read.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: read.numPendingTests + read.numTodoTests,
  };
}

/** `N passed, N failed`, and `, N skipped` when there are any. */
export function summary(parts: readonly Counts[]): { readonly text: string; readonly failed: number } {
  const total = parts.reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  }));
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  return { text: `${total.passed} passed, ${total.failed} failed${skipped}`, failed: total.failed };
}
