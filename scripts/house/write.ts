// node scripts/house/write.ts: writes what is made of the table of rooms: the lint rules that .oxlintrc.json extends,
// and the table in ARCHITECTURE.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { lintRulesOf } from './lint-rules.ts';
import { withTable } from './room-table.ts';

const root = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));

writeFileSync(root('.oxlintrc.rooms.json'), lintRulesOf());
writeFileSync(root('ARCHITECTURE.md'), withTable(readFileSync(root('ARCHITECTURE.md'), 'utf8')));
