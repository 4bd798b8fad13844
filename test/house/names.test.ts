import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { writtenFiles } from '../../scripts/house/written-files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const DECLARATION =
  /^(export )?(?:declare |abstract |async )*(const|let|function\*?|interface|type|class) ([A-Za-z_]\w*)/;

/** One action at two levels: an activity and the store's method it calls, the client's method and its message. */
const ON_TWO_FLOORS = [
  'audit',
  'deliver',
  'listMailboxes',
  'noteEvents',
  'renameMailbox',
  'saveFailedFetches',
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

/** Exported names that the other declarations also use, in other files. */
function usedTwice(exported: readonly Declaration[], others: readonly Declaration[]): readonly string[] {
  return exported.flatMap(({ file, name }) =>
    others
      .filter((other) => other.name === name && other.file !== file)
      .map((other) => `${name}: ${file}, ${other.file}`),
  );
}

it('no other type of src has the name of an exported type', () => {
  const types = declarations.filter(({ isType }) => isType);
  const exported = types.filter(({ isExported }) => isExported);
  expect(exported.length).toBeGreaterThan(500);
  expect(usedTwice(exported, types)).toEqual([]);
});

it('two exported functions or values of src share a name only for one action at two levels', () => {
  const exported = declarations.filter(
    ({ isExported, isType, name }) => isExported && !isType && !ON_TWO_FLOORS.includes(name),
  );
  expect(exported.length).toBeGreaterThan(500);
  expect(usedTwice(exported, exported)).toEqual([]);
});
