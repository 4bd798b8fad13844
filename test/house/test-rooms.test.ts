import { existsSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

import { beforeAll, describe, expect, it, test } from 'vitest';

import { ROOMS } from '../../scripts/house/rooms.ts';
import { placesFor, TEST_ROOMS } from '../../scripts/house/test-rooms.ts';
import { lint } from '../../scripts/house/lint.ts';

const root = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const filesOf = (folder: string): string[] =>
  readdirSync(root(folder), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** Each room of `src`, each folder of tests, the benches and the scripts. */
const PLACES = [
  ...ROOMS.map(({ place }) => `src/${place}`),
  ...TEST_ROOMS.map(({ place }) => place),
  'scripts',
  'scripts/house',
];

/** A line that imports a module of a place, which may be a file itself. */
function importFrom(file: string, place: string): string {
  const path = posix.relative(posix.dirname(file), place.endsWith('.ts') ? place : `${place}/other.ts`);
  return `export * from '${path.startsWith('.') ? path : `./${path}`}';`;
}

describe('a file of', () => {
  const rooms = TEST_ROOMS.flatMap((room) => ['', '/folder'].map((folder) => ({ room, folder })));
  const probes = rooms.map(({ room, folder }) => {
    const file = `${room.place}${folder}/probe.ts`;
    return { file, code: PLACES.map((place) => importFrom(file, place)).join('\n') };
  });
  let refused: Awaited<ReturnType<typeof lint>>;
  beforeAll(async () => {
    refused = await lint(probes);
  });

  it.each(rooms.map(({ room, folder }, index) => ({ room, index, path: `${room.place}${folder}` })))(
    '$path may import what the table of test rooms allows, and nothing else',
    ({ room, index }) => {
      const lines = new Set(refused[index]?.map(({ line }) => line));
      const allowed = PLACES.filter((_, line) => !lines.has(line + 1));
      const places = placesFor(room);
      // Who may import a place may import the folders in it.
      const expected = PLACES.filter(
        (place) => place === room.place || places.has(place) || places.has(posix.dirname(place)),
      ).filter((place) => !place.startsWith('src/') || places.has(place));
      expect(allowed).toEqual(expected);
    },
  );
});

test('no room of src may import tests or benches', async () => {
  const probes = ROOMS.map(({ place }) => {
    const file = place.endsWith('.ts') ? `src/${place}` : `src/${place}/probe.ts`;
    return { file, code: TEST_ROOMS.map((room) => importFrom(file, room.place)).join('\n') };
  });
  const refused = await lint(probes);
  expect(refused.map((lines) => lines.length)).toEqual(probes.map(() => TEST_ROOMS.length));
});

test('benches may import only fixtures of the tests, and tests nothing of the benches', () => {
  const importsOf = (from: string): string[] =>
    TEST_ROOMS.filter(({ place }) => place === from || place.startsWith(`${from}/`)).flatMap((room) => [
      ...placesFor(room),
    ]);
  expect(importsOf('test').filter((place) => place.startsWith('bench'))).toEqual([]);
  expect(importsOf('bench').filter((place) => place.startsWith('test'))).toEqual(['test/fixtures']);
});

test('every file of test and bench is in a room of the table, and every folder that it names exists', () => {
  const places = TEST_ROOMS.map(({ place }) => place);
  const files = ['test', 'bench'].flatMap((folder) => filesOf(folder).map((file) => `${folder}/${file}`));
  const isInRoom = (file: string): boolean =>
    places.some((place) => [posix.dirname(file), posix.dirname(posix.dirname(file))].includes(place));
  expect(files.filter((file) => !isInRoom(file))).toEqual([]);
  const named = places.filter((place) => !ROOMS.some((room) => `test/${room.place.split('/')[0]}` === place));
  expect(named.filter((place) => !existsSync(root(place)))).toEqual([]);
});
