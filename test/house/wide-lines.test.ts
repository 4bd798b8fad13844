import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { writtenFiles } from '../../scripts/house/written-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const COLUMNS = 120;
/** Folders with code. Their data, such as recorded histories, is JSON or mail, and may be wide. */
const FOLDERS = ['bench', 'bin', 'deploy', 'examples', 'scripts', 'src', 'test'];
const CODE = /\.(ts|mjs|js)$/;

it(`no line of code is over ${COLUMNS} columns wide`, () => {
  const files = writtenFiles(...FOLDERS).filter((file) => CODE.test(file));
  const wide = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (line.length > COLUMNS ? [`${file}:${index + 1}`] : [])),
  );
  expect(files.length).toBeGreaterThan(0);
  expect(wide).toEqual([]);
});
