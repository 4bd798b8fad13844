import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Clock } from '../model/clock.ts';
import { makePrivateFolder } from './private-files.ts';

const POLL = 100;
const SQLITE_BUSY = 5;

export interface LockOptions {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Called once when another process holds the lock. */
  readonly onWait: () => void;
}

/**
 * Runs `work` while this process holds an exclusive lock on `file`.
 *
 * The lock is an exclusive transaction on an empty SQLite file. The kernel releases it when its holder dies in any way,
 * so there are no stale locks.
 *
 * @throws the signal's reason when it aborts while waiting
 */
export async function withFileLock<Result>(
  file: string,
  { clock, signal, onWait }: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  makePrivateFolder(dirname(file));
  const lock = new DatabaseSync(file, { timeout: 0 });
  try {
    for (let waited = false; !tryLock(lock); waited = true) {
      if (!waited) onWait();
      await clock.sleep(POLL, signal);
    }
    return await work();
  } finally {
    lock.close();
  }
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec('begin exclusive');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
