import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { writtenFiles } from '../../scripts/house/written-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const TEXTS = /\.(ts|mjs|js|md|sh|yml)$/;

/** Words that stop a reader, and what to write instead. */
const RIDDLES: readonly (readonly [RegExp, string])[] = [
  [/\bwhoever\b/i, 'everyone who, or the subject itself'],
  [/\banew\b/i, 'again, or start over'],
  [/\bfor ever\b/i, 'forever, or until what ends it'],
  [/\bthe own\b/i, 'its own, their own'],
  [/\b(could|can|to) (not )?be had\b/i, 'is available'],
];

it('no text uses words that have to be read twice', () => {
  const files = writtenFiles().filter((file) => TEXTS.test(file) && file !== 'test/house/words.test.ts');
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        RIDDLES.filter(([word]) => word.test(line)).map(([, instead]) => `${file}:${index + 1}: say ${instead}`),
      ),
  );
  expect(files.length).toBeGreaterThan(0);
  expect(found).toEqual([]);
});
