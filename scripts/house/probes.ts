import { posix } from 'node:path';

import { lint, type Probe } from './lint.ts';
import { ROOMS, type Room } from './rooms.ts';

const isFile = (place: string): boolean => place.endsWith('.ts');

/** A module of a place: the file itself, or one in the room. */
const moduleOf = (place: string): string => (isFile(place) ? `src/${place}` : `src/${place}/other.ts`);

/** A file in the room that imports a module of every other place of the table, a line each. */
function probeOf(room: Room): Probe & { readonly targets: readonly string[] } {
  const file = isFile(room.place) ? `src/${room.place}` : `src/${room.place}/probe.ts`;
  const targets = ROOMS.map(({ place }) => place).filter((place) => place !== room.place);
  const importOf = (place: string): string => {
    const relative = posix.relative(posix.dirname(file), moduleOf(place));
    return `export * from '${relative.startsWith('.') ? relative : `./${relative}`}';`;
  };
  return { file, targets, code: targets.map(importOf).join('\n') };
}

/** Which of the imports that a room tried the lint allows, and which it refuses. */
export interface TriedImports {
  readonly room: Room;
  readonly allowed: readonly string[];
  readonly refused: readonly string[];
}

/** Lints, for each room, a file that imports every other room. */
export async function tryAllImports(): Promise<readonly TriedImports[]> {
  const probes = ROOMS.map(probeOf);
  const found = await lint(probes);
  return ROOMS.map((room, index) => {
    const lines = new Set(found[index]?.map(({ line }) => line));
    const targets = probes[index]?.targets ?? [];
    const isRefused = (_: string, line: number): boolean => lines.has(line + 1);
    return {
      room,
      refused: targets.filter(isRefused),
      allowed: targets.filter((target, line) => !isRefused(target, line)),
    };
  });
}
