// node scripts/setup.mjs ENTRY [ARG]…
// Installs what is missing, then runs a TypeScript entry with the project's own Node 24.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ensureInstalled } from './install.mjs';
import { runEntry } from './run-entry.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [entry, ...args] = process.argv.slice(2);
if (entry === undefined) {
  console.error('usage: node scripts/setup.mjs ENTRY [ARG]…');
  process.exit(2);
}
try {
  await ensureInstalled({ root, say: (line) => console.error(`set-up: ${line}`) });
} catch (error) {
  console.error(`set-up: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
await runEntry({ root, entry: resolve(root, entry), args });
