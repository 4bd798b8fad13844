import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { childEnvironment } from './child-environment.ts';

/** The server that runs for a data directory. */
export interface Instance {
  readonly pid: number;
  /** `host:port` of its frontend. */
  readonly address: string;
  readonly uiUrl: string | null;
}

const fileOf = (dataDir: string): string => join(dataDir, 'temporal.json');

/** Path of the SQLite file in which a data directory's server keeps its state. */
export const databaseOf = (dataDir: string): string => join(dataDir, 'temporal.sqlite');

/** The last server started for a data directory, whether or not it still runs; null when there never was one. */
export function readLastInstance(dataDir: string): Instance | null {
  try {
    return parse(readFileSync(fileOf(dataDir), 'utf8'));
  } catch {
    return null;
  }
}

/**
 * The server that runs for a data directory now, or null. A server has ended when no process has its process id, or
 * only a process that was not started with this directory's database. So the file never has to be removed.
 */
export function readInstance(dataDir: string): Instance | null {
  const last = readLastInstance(dataDir);
  return last !== null && commandOf(last.pid).includes(databaseOf(resolve(dataDir))) ? last : null;
}

/**
 * Replaces the file atomically: a reader sees the old or the new one. Only the holder of the directory's lock writes.
 */
export function writeInstance(dataDir: string, instance: Instance): void {
  const draft = `${fileOf(dataDir)}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(instance)}\n`);
  renameSync(draft, fileOf(dataDir));
}

function parse(text: string): Instance | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { pid, address, uiUrl } = value as Record<string, unknown>;
    if (!Number.isSafeInteger(pid) || Number(pid) <= 0 || typeof address !== 'string') return null;
    return { pid: Number(pid), address, uiUrl: typeof uiUrl === 'string' ? uiUrl : null };
  } catch {
    return null;
  }
}

/** The command line of a process; empty when the process does not exist or is a zombie. */
function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      env: childEnvironment(process.env, 'program'),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}
