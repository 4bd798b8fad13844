import { posix } from 'node:path';

import { ROOMS, type Room } from './rooms.ts';
import { placesFor, TEST_ROOMS, type TestRoom } from './test-rooms.ts';

const TAKE_THE_CLOCK = 'Take the Clock of src/model/clock.ts.';
const TIMERS = ['setTimeout', 'setInterval'];
const PATHS = [
  { name: 'node:timers', importNames: TIMERS, message: TAKE_THE_CLOCK },
  { name: 'node:timers/promises', importNames: TIMERS, message: TAKE_THE_CLOCK },
  {
    name: 'googleapis',
    message:
      'Import one API of it, as googleapis/build/src/apis/gmail/index.js: the whole package costs 0.8 s and 120 MB.',
  },
];

/** The part of oxlint's configuration that applies a room's line of the table to its files. */
interface Override {
  readonly files: readonly string[];
  readonly rules: Readonly<Record<string, unknown>>;
}

/** An allow-list for each room. A file outside all rooms may import nothing. */
function overridesOf(rooms: readonly Room[]): readonly Override[] {
  const nowhere = overrideOf('src/**', ['*'], [], 'This file is in no room: see scripts/house/rooms.ts.');
  return [nowhere, ...rooms.flatMap((room) => floorsOf(room, rooms).map((floor) => roomOverride(room, floor, rooms)))];
}

const isFile = ({ place }: Room): boolean => place.endsWith('.ts');

/** Whether a room contains other rooms. Only a room without rooms may have plain folders in it. */
const hasRooms = (room: Room, rooms: readonly Room[]): boolean =>
  rooms.some(({ place }) => place.startsWith(`${room.place}/`));

function floorsOf(room: Room, rooms: readonly Room[]): readonly number[] {
  return isFile(room) || hasRooms(room, rooms) ? [0] : [0, 1];
}

function roomOverride(room: Room, floor: number, rooms: readonly Room[]): Override {
  const folder = isFile(room) ? 'src' : `src/${room.place}${'/*'.repeat(floor)}`;
  const types = room.types ?? [];
  const group = [
    '*',
    ...ownFiles(room, floor, rooms).map((pattern) => `!${pattern}`),
    ...[...room.imports, ...types].map((place) => `!${pathTo(place, folder)}`),
    ...room.packages.flatMap((name) => (name === 'node:' ? ['!node:*', '!node:*/**'] : [`!${name}`, `!${name}/**`])),
    ...room.packages.filter((name) => name.startsWith('@')).map((name) => `!${name.split('/')[0]}`),
  ];
  const files = isFile(room) ? `src/${room.place}` : `${folder}/*.ts`;
  return overrideOf(
    files,
    group,
    types.map((place) => pathTo(place, folder)),
    'This room may not import it: see the table of rooms in ARCHITECTURE.md.',
  );
}

function ownFiles(room: Room, floor: number, rooms: readonly Room[]): readonly string[] {
  if (isFile(room)) return [];
  if (floor === 1) return ['./*', '../*', '../*/*'];
  return hasRooms(room, rooms) ? ['./*'] : ['./*', './*/*'];
}

/** The pattern that matches imports of a room, or of one file, from a folder of `src`. */
function pathTo(place: string, folder: string): string {
  const relative = posix.relative(folder, `src/${place}`);
  const path = relative.startsWith('.') ? relative : `./${relative}`;
  return place.endsWith('.ts') ? path : `${path}/*`;
}

function overrideOf(files: string, group: readonly string[], typesOnly: readonly string[], message: string): Override {
  // These come first: oxlint stops at a group that allows the import.
  const types = typesOnly.map((path) => ({
    regex: regexOf(path),
    message: 'Types only: see the table of rooms in ARCHITECTURE.md.',
    allowTypeImports: true,
  }));
  return {
    files: [files],
    rules: { 'no-restricted-imports': ['error', { paths: PATHS, patterns: [...types, { group, message }] }] },
  };
}

/** An allow-list for each folder of tests. It says nothing about packages. */
function testOverridesOf(rooms: readonly TestRoom[]): readonly Override[] {
  const nowhere = testOverride(
    ['test/**', 'bench/**'],
    [],
    'This file is in no room: see scripts/house/test-rooms.ts.',
  );
  return [nowhere, ...rooms.flatMap((room) => [0, 1].map((floor) => testRoomOverride(room, floor)))];
}

function testRoomOverride(room: TestRoom, floor: number): Override {
  const folder = `${room.place}${'/*'.repeat(floor)}`;
  const own = floor === 0 ? ['./*', './*/*'] : ['./*', '../*', '../*/*'];
  const others = [...placesFor(room)].flatMap((place) => {
    if (place === room.place) return [];
    const path = posix.relative(folder, place);
    if (place.endsWith('.ts')) return [path];
    // A room that holds other rooms has no plain folders.
    const target = ROOMS.find((one) => `src/${one.place}` === place);
    return target !== undefined && hasRooms(target, ROOMS) ? [`${path}/*`] : [`${path}/*`, `${path}/*/*`];
  });
  return testOverride(
    [`${folder}/*.ts`],
    [...own, ...others],
    'Tests of this room may not import it: see scripts/house/test-rooms.ts.',
  );
}

function testOverride(files: readonly string[], allowed: readonly string[], message: string): Override {
  const group = ['./**', '../**', ...allowed.map((pattern) => `!${pattern}`)];
  return { files, rules: { 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] } };
}

/** A pattern of {@link pathTo} as a regular expression. */
function regexOf(pattern: string): string {
  return `^${pattern.replaceAll('.', '\\.').replace(/\*$/, '[^/]+')}$`;
}

/** The file that `.oxlintrc.json` extends: a line for each override. */
export function lintRulesOf(): string {
  return `{ "overrides": [\n${[...overridesOf(ROOMS), ...testOverridesOf(TEST_ROOMS)]
    .map((one) => JSON.stringify(one))
    .join(',\n')}\n] }\n`;
}
