import { expect, it } from 'vitest';

import { slowest } from '../../scripts/slow-tests.ts';

it('the slowest test files are listed, slowest first', () => {
  const file = (name: string, seconds: number) => ({
    name: `/home/tidemark/${name}`,
    startTime: 1_000,
    endTime: 1_000 + seconds * 1_000,
  });
  const report = JSON.stringify({
    testResults: [file('test/a.test.ts', 2), file('test/b.test.ts', 61.25), file('test/c.test.ts', 1)],
  });
  expect(slowest(report, { root: '/home/tidemark/', count: 2 })).toEqual([
    '   61.3 s  test/b.test.ts',
    '    2.0 s  test/a.test.ts',
  ]);
});
