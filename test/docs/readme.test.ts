import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

const read = (file: string): string =>
  readFileSync(join(fileURLToPath(new URL('../..', import.meta.url)), file), 'utf8');

it("README.md's program is examples/read-changes.ts, which is compiled with everything else", () => {
  const [, program] = /^```ts\n([^]*?)^```$/m.exec(read('README.md')) ?? [];
  expect(program).toBe(read('examples/read-changes.ts'));
});
