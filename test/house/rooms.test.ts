import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, it, test } from 'vitest';

import { lintRulesOf } from '../../scripts/house/lint-rules.ts';
import { withTable } from '../../scripts/house/room-table.ts';
import { tryAllImports, type TriedImports } from '../../scripts/house/probes.ts';
import { ROOMS } from '../../scripts/house/rooms.ts';

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const isFile = (place: string): boolean => place.endsWith('.ts');

describe('a room', () => {
  let tried: readonly TriedImports[];
  beforeAll(async () => {
    tried = await tryAllImports();
  });

  it.each(ROOMS.map((room, index) => ({ ...room, index })))(
    'may import the rooms that the table names, and no others: $place',
    ({ imports, index }) => {
      expect(tried[index]?.allowed.toSorted()).toEqual(
        imports.filter((place) => ROOMS.some((room) => room.place === place)).toSorted(),
      );
    },
  );
});

test('the table of rooms names only rooms and files of rooms, and has no circle', () => {
  const edges = ROOMS.flatMap(({ place, imports, types = [] }) =>
    [...imports, ...types].map((target) => ({ place, target, to: roomIndexOf(target) })),
  );
  expect(circles()).toEqual([]);
  expect(edges.filter(({ to }) => to === -1)).toEqual([]);
});

/** The index of the room that has a place of the table, which may be one file of a room; -1 for no room. */
function roomIndexOf(place: string): number {
  return ROOMS.findIndex((room) => room.place === place || (isFile(place) && posix.dirname(place) === room.place));
}

/** Rooms that reach themselves by imports, those of types included. */
function circles(): string[] {
  const reach = (index: number, seen: Set<number>): Set<number> => {
    const { imports = [], types = [] } = ROOMS[index] ?? {};
    for (const target of [...imports, ...types]) {
      const next = roomIndexOf(target);
      if (next !== -1 && !seen.has(next)) reach(next, seen.add(next));
    }
    return seen;
  };
  return ROOMS.filter((_, index) => reach(index, new Set()).has(index)).map(({ place }) => place);
}

test('every file of src is in a room', () => {
  const files = readdirSync(root('src'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const places = new Set(ROOMS.map(({ place }) => place));
  const roomOf = (file: string): string | undefined =>
    [file, posix.dirname(file), posix.dirname(posix.dirname(file))].find((place) => places.has(place));
  expect(files.filter((file) => roomOf(file) === undefined)).toEqual([]);
});

test.each(['AGENTS.md', 'CONTRIBUTING.md'])('%s says where every room is', (page) => {
  const text = readFileSync(root(page), 'utf8');
  const names = new Set(ROOMS.map(({ place }) => place.split('/')[0] ?? place));
  expect([...names].filter((name) => !new RegExp(`[/\`]${name.replace('.', '\\.')}[/\`]`).test(text))).toEqual([]);
});

test('every room of the table has files', () => {
  const files = readdirSync(root('src'), { recursive: true, encoding: 'utf8' });
  expect(
    ROOMS.filter(({ place }) => !files.some((file) => file === place || posix.dirname(file) === place)).map(
      ({ place }) => place,
    ),
  ).toEqual([]);
});

test('the lint rules and ARCHITECTURE.md follow the table of rooms (node scripts/house/write.ts)', () => {
  expect(readFileSync(root('.oxlintrc.rooms.json'), 'utf8')).toBe(lintRulesOf());
  const architecture = readFileSync(root('ARCHITECTURE.md'), 'utf8');
  expect(architecture).toBe(withTable(architecture));
});
