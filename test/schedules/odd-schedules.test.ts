import { expect, test } from 'vitest';
import { cellOf, MATRIX } from './odd-answers.ts';
import { testSchedules } from './test-schedules.ts';

testSchedules({ first: 1001, odd: true });

test('every refusal and {} is met at every method and at the batch endpoint, once, twice and for ten minutes', () => {
  const wanted = [
    'getProfile',
    'labels.list',
    'labels.get',
    'messages.list',
    'messages.get',
    'messages.attachments.get',
  ]
    .concat('threads.get', 'history.list', 'watch', 'batch')
    .flatMap((method) =>
      ['400', '401', '403', '404', '410', '500', 'empty-object'].flatMap((name) =>
        ['once', 'twice', 'ten minutes'].map((extent) => `${name} at ${method}, ${extent}`),
      ),
    );
  const met = new Set(
    MATRIX.map((_, index) => cellOf(1001 + index)).map(({ name, method, extent }) => `${name} at ${method}, ${extent}`),
  );
  expect(met.size).toBe(MATRIX.length);
  expect(wanted.filter((cell) => !met.has(cell))).toEqual([]);
});
