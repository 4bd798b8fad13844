import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const workflows = join(ROOT, 'src/workflows');

it('CHANGELOG.md names every patch, since a workflow that took it cannot go back to a build without it', () => {
  const code = readdirSync(workflows, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(workflows, file), 'utf8'));
  const patches = new Set(
    code.flatMap((text) => [...text.matchAll(/patched\('([\w-]+)'\)/g)].map(([, name = '']) => name)),
  );
  expect(patches.size).toBeGreaterThan(0);
  const page = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
  expect([...patches].filter((name) => !page.includes(`| \`${name}\` |`))).toEqual([]);
});
