// `tidemark` in a checkout: runs on Node 20 or later, and hands over to the project's own Node 24.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ensureInstalled } from './install.mjs';
import { runEntry } from './run-entry.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
try {
  await ensureInstalled({ root, say: (line) => console.error(`tidemark: ${line}`) });
} catch (error) {
  console.error(`tidemark: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
await runEntry({ root, entry: join(root, 'src', 'cli', 'main.ts'), args: process.argv.slice(2) });
