import { describe, expect, it } from 'vitest';

import { countOutcomes, summary } from '../../scripts/test-counts.ts';

const report = (
  passed: number,
  failed: number,
  skipped: number,
  files: readonly { status: string; tests: readonly string[] }[] = [],
): string =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    numPendingTests: skipped,
    numTodoTests: 0,
    testResults: files.map(({ status, tests }) => ({
      status,
      assertionResults: tests.map((test) => ({ status: test })),
    })),
  });

describe('the figures of a test run', () => {
  it('are what vitest reports', () => {
    expect(countOutcomes(report(5, 2, 1), 1)).toEqual({ passed: 5, failed: 2, skipped: 1 });
  });

  it('count a file that would not load as a failure', () => {
    const files = [
      { status: 'failed', tests: [] },
      { status: 'failed', tests: ['failed', 'passed'] },
      { status: 'passed', tests: ['passed'] },
    ];
    expect(countOutcomes(report(2, 1, 0, files), 1)).toEqual({ passed: 2, failed: 2, skipped: 0 });
  });

  it('count one failure when the run failed without reporting one', () => {
    expect(countOutcomes(report(5, 0, 0), 1)).toEqual({ passed: 5, failed: 1, skipped: 0 });
    expect(countOutcomes(null, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });
});

describe('the last line', () => {
  it('adds up the parts', () => {
    const parts = [
      { passed: 3, failed: 0, skipped: 0 },
      { passed: 120, failed: 2, skipped: 0 },
    ];
    expect(summary(parts)).toEqual({ text: '123 passed, 2 failed', failed: 2 });
  });

  it('names skipped tests when there are any', () => {
    expect(summary([{ passed: 3, failed: 0, skipped: 1 }]).text).toBe('3 passed, 0 failed, 1 skipped');
  });
});
