import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fault, ok, warning, type Finding } from './finding.ts';
import type { Installation } from './installation.ts';

const GB = 1e9;
/** SQLite needs room for its log, and a full sync writes gigabytes. */
const SCARCE = 5 * GB;
const FULL = 0.2 * GB;

/** The room where files are written: the embedded database, and the folder of `npm start`. */
export async function examineDisk({ config }: Installation): Promise<Finding> {
  const { location } = config.database;
  const folder = existing(location.kind === 'sqlite' ? dirname(location.path) : config.dataDir);
  try {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    const text = `${(free / GB).toFixed(1)} GB are free at ${folder}.`;
    if (free < FULL) return fault('disk', `${text} Free some, or move the database: syncs fail on a full disk.`);
    return free < SCARCE ? warning('disk', `${text} A full sync can need more.`) : ok('disk', text);
  } catch (error) {
    return fault('disk', error);
  }
}

/** The nearest folder that exists: the first run makes the others. */
const existing = (folder: string): string => (existsSync(folder) ? folder : existing(dirname(folder)));
