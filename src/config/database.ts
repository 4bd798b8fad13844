import { isAbsolute, resolve } from 'node:path';

import { z } from 'zod';

import type { Values, Variables } from './section.ts';

export interface DatabaseLocation {
  readonly kind: 'sqlite';
  /** Absolute path of the file. */
  readonly path: string;
}

/** `sqlite:PATH`, also as an address (`sqlite:///var/lib/mail.sqlite`). A database in memory would not outlive one process. */
const databasePath = z
  .string()
  .regex(/^sqlite:(?!:memory:$).+$/)
  .transform((text) => text.replace(/^sqlite:(?:\/\/(?=\/))?/, ''));

export const databaseVariables = {
  DATABASE_URL: { schema: databasePath.optional(), expected: 'sqlite: and the path of a file, for example sqlite:.tidemark/tidemark.sqlite' },
} as const satisfies Variables;

export function readDatabase(values: Values<typeof databaseVariables>, { cwd, dataDir }: { cwd: string; dataDir: string }): DatabaseLocation {
  return Object.freeze({ kind: 'sqlite', path: databaseFile(values.DATABASE_URL, cwd, dataDir) } as const);
}

function databaseFile(path: string | undefined, cwd: string, dataDir: string): string {
  if (path === undefined) return resolve(dataDir, 'tidemark.sqlite');
  return isAbsolute(path) ? path : resolve(cwd, path);
}
