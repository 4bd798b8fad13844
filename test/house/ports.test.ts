import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { writtenFiles } from '../../scripts/house/written-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** `onFreePort` tries another port when the first was taken meanwhile; the other file tests `freePort` itself. */
const MAY_PICK = ['test/fixtures/host/on-free-port.ts', 'test/temporal-server/ports.test.ts'];

it('no test or bench picks a port that another program may take first', () => {
  const files = writtenFiles('test', 'bench').filter(
    (file) => file.endsWith('.ts') && file !== 'test/house/ports.test.ts',
  );
  const picking = files.filter((file) => /\bfreePort\b/.test(readFileSync(join(root, file), 'utf8')));
  expect(picking.toSorted()).toEqual(MAY_PICK);
});
