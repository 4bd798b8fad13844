import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const COLUMNS = 120;
/** Folders with code. Data, such as recorded histories, is no code: it is JSON or mail. */
const FOLDERS = ['bench', 'bin', 'deploy', 'examples', 'scripts', 'src', 'test'];
const CODE = /\.(ts|mjs|js)$/;

it(`no line of code is over ${COLUMNS} columns wide`, () => {
  const listed = ['ls-files', '--cached', '--others', '--exclude-standard', ...FOLDERS];
  const files = execFileSync('git', listed, { cwd: root, encoding: 'utf8' })
    .split('\n')
    .filter((file) => CODE.test(file) && existsSync(join(root, file)));
  const wide = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (line.length > COLUMNS ? [`${file}:${index + 1}`] : [])),
  );
  expect(files.length).toBeGreaterThan(0);
  expect(wide).toEqual([]);
});
