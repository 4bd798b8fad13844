import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** The folder that Tidemark makes for itself where none is named. */
export const OWN_FOLDER = '.tidemark';

const OTHERS = 0o077;

/**
 * Makes a folder, with the missing ones above it, for its owner only. One that is there keeps the permissions that its owner gave it, except
 * {@link OWN_FOLDER}: earlier versions made it readable by all.
 *
 * @throws {Error} when it cannot be made
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (basename(path) === OWN_FOLDER) tighten(path);
}

/**
 * Makes a file for its owner only, with its folder. One that is there stays as it is.
 *
 * @throws {Error} when it cannot be made or opened for writing
 */
export function makePrivateFile(path: string): void {
  makePrivateFolder(dirname(path));
  closeSync(openSync(path, 'a', 0o600));
}

/**
 * Takes a file or a folder that is there away from everybody but its owner. Devices, folders that a link leads to, and what belongs to another user are
 * left alone. Windows has no such permissions.
 */
export function tighten(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (process.platform === 'win32' || found === undefined || (found.mode & OTHERS) === 0) return;
  if (!found.isFile() && !(found.isDirectory() && !lstatSync(path).isSymbolicLink())) return;
  try {
    chmodSync(path, found.mode & 0o700);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'EPERM' || error.code === 'EROFS' || error.code === 'ENOENT'))) throw error;
  }
}
