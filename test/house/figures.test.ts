import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/house/figures.ts', import.meta.url));

it('the figures of scripts/house/figures.ts keep their bounds', () => {
  const { stdout, status } = spawnSync(process.execPath, ['--no-warnings', script], { encoding: 'utf8' });
  expect(stdout.split('\n').filter((line) => line.endsWith('<- not kept'))).toEqual([]);
  expect(status).toBe(0);
});
