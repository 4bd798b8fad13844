import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { writtenFiles } from '../../scripts/house/written-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const DECLARATION =
  /^(export )?(?:declare |abstract |async )*(const|let|function\*?|interface|type|class) ([A-Za-z_]\w*)/;

/** One act on two floors: the activity of a store's method, a client's of a workflow's message. */
const ON_TWO_FLOORS = [
  'audit',
  'deliver',
  'listMailboxes',
  'noteEvents',
  'renameMailbox',
  'saveAttempts',
  'settleEarlyReadings',
];

interface Declaration {
  readonly file: string;
  readonly name: string;
  readonly isExported: boolean;
  readonly isType: boolean;
}

function declarationsIn(file: string): readonly Declaration[] {
  return readFileSync(join(root, file), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, exported, keyword = '', name = ''] = DECLARATION.exec(line) ?? [];
      const isType = ['interface', 'type', 'class'].includes(keyword);
      return name === '' ? [] : [{ file, name, isExported: exported !== undefined, isType }];
    });
}

const declarations = writtenFiles('src')
  .filter((file) => file.endsWith('.ts'))
  .flatMap(declarationsIn);

/** Exported names that the other declarations use, too, in other files. */
function usedTwice(exported: readonly Declaration[], others: readonly Declaration[]): readonly string[] {
  return exported.flatMap(({ file, name }) =>
    others
      .filter((other) => other.name === name && other.file !== file)
      .map((other) => `${name}: ${file}, ${other.file}`),
  );
}

it('an exported type of src has its name for itself', () => {
  const types = declarations.filter(({ isType }) => isType);
  const exported = types.filter(({ isExported }) => isExported);
  expect(exported.length).toBeGreaterThan(500);
  expect(usedTwice(exported, types)).toEqual([]);
});

it('two exported functions or values of src have one name only when they are one act on two floors', () => {
  const exported = declarations.filter(
    ({ isExported, isType, name }) => isExported && !isType && !ON_TWO_FLOORS.includes(name),
  );
  expect(exported.length).toBeGreaterThan(500);
  expect(usedTwice(exported, exported)).toEqual([]);
});
