import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';

import { codeOf } from '../model/error-code.ts';

/** The folder that Tidemark makes for itself when none is configured. */
export const OWN_FOLDER = '.tidemark';

const OTHERS = 0o077;

/**
 * Makes a folder, and missing ones above it, that only its owner can use. A folder that exists keeps its permissions,
 * except {@link OWN_FOLDER}, which earlier versions made readable by all.
 *
 * @throws {Error} when it cannot be made
 */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (basename(path) === OWN_FOLDER) tighten(path);
}

/**
 * Makes a file, and its folder, that only its owner can use. A file that exists stays as it is.
 *
 * @throws {Error} when it cannot be made or opened for writing
 */
export function makePrivateFile(path: string): void {
  makePrivateFolder(dirname(path));
  closeSync(openSync(path, 'a', 0o600));
}

/**
 * Removes the permissions that others have on an existing file or folder. Devices, linked folders, and files of another
 * user are left as they are. Windows has no such permissions.
 */
export function tighten(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (process.platform === 'win32' || found === undefined || (found.mode & OTHERS) === 0) return;
  if (!found.isFile() && !(found.isDirectory() && !lstatSync(path).isSymbolicLink())) return;
  try {
    chmodSync(path, found.mode & 0o700);
  } catch (error) {
    if (!['EPERM', 'EROFS', 'ENOENT'].includes(codeOf(error) ?? '')) throw error;
  }
}
