import { execFile, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * Root may write everything, whatever permissions say: then programs run as nobody. Any other user is bound by them
 * anyway.
 */
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

const AS_NOBODY = isRoot ? { uid: NOBODY, gid: NOBODY } : {};

/** Windows has no such permissions, and nobody may not even read a checkout in root's own folder. */
export const otherUserMissing =
  process.platform === 'win32' ||
  spawnSync(process.execPath, ['--check', fileURLToPath(import.meta.url)], AS_NOBODY).status !== 0;

export interface OtherUser {
  /** Runs one of our programs as that user. @returns what it printed */
  run(program: string, args: readonly string[]): Promise<string>;
  chmod(path: string, mode: number): void;
}

/** @param folder - the user may enter it */
export async function asAnotherUser(folder: string): Promise<OtherUser> {
  if (isRoot) chmodSync(folder, 0o777);
  return {
    chmod: chmodSync,
    run: async (program, args) => {
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', program, ...args],
        {
          ...AS_NOBODY,
          env: { PATH: process.env['PATH'] },
        },
      );
      return stdout.trim();
    },
  };
}
