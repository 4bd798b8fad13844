import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

const source = fileURLToPath(new URL('../../src', import.meta.url));

/** Names that a file's comments link to and its code does not have: no editor can resolve them. */
function deadLinksOf(text: string): readonly string[] {
  const code = text.replaceAll(/\/\*\*.*?\*\//gs, '');
  return [...text.matchAll(/\{@link (\w+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => !new RegExp(`\\b${name}\\b`).test(code));
}

it('a link in a comment leads to something that the file declares or imports', () => {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const dead = files.flatMap((file) =>
    deadLinksOf(readFileSync(join(source, file), 'utf8')).map((name) => `${file}: ${name}`),
  );
  expect(files.length).toBeGreaterThan(0);
  expect(dead).toEqual([]);
});
