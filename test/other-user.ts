import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { promisify } from 'node:util';

/** Root may write everything, whatever permissions say: then programs run as nobody. Any other user is bound by them anyway. */
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** Windows has no such permissions. */
export const otherUserMissing = process.platform === 'win32';

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
      const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
        ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
        env: { PATH: process.env['PATH'] },
      });
      return stdout.trim();
    },
  };
}
