import { expect, test } from 'vitest';
import { cellOf, MATRIX } from './odd-answers.ts';
import { testSchedules } from './test-schedules.ts';

testSchedules({ first: 1001, odd: true });

test('consecutive seeds draw every refusal and {} at every method and the batch endpoint, for every extent', () => {
  const wanted = [
    'getProfile',
    'labels.list',
    'labels.get',
    'messages.list',
    'messages.get',
    'messages.attachments.get',
  ]
    .concat('threads.get', 'history.list', 'watch', 'stop', 'batch')
    .flatMap((method) =>
      ['400', '401', '403', '404', '410', '500', 'empty-object'].flatMap((name) =>
        ['once', 'twice', 'ten minutes'].map((extent) => `${name} at ${method}, ${extent}`),
      ),
    );
  const drawn = new Set(
    MATRIX.map((_, index) => cellOf(1001 + index)).map(({ name, method, extent }) => `${name} at ${method}, ${extent}`),
  );
  expect(drawn.size).toBe(MATRIX.length);
  expect(wanted.filter((cell) => !drawn.has(cell))).toEqual([]);
});
