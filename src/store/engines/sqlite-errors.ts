import { codeOf, systemCodeOf } from '../../model/error-code.ts';
import { StoreError } from './store-error.ts';

/** Primary result codes: https://www.sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const DAMAGED = 11;
const NO_DATABASE = 26;
const UNUSABLE: Readonly<Record<number, string>> = {
  [BUSY]: 'is locked by another process',
  [LOCKED]: 'is locked by another process',
  7: 'could not be used: out of memory',
  8: 'is read-only; allow this user to write the file and its folder',
  10:
    'could not be read or written (disk error, or a file beside it was removed while it was in use); ' +
    'check the disk, then start everything that uses it again',
  [DAMAGED]: 'is damaged; restore it from a backup, or delete it to have everything fetched again',
  13: 'could not be written: the disk is full; make room',
  14: 'could not be opened; check that the folder exists and that this user may write it',
  [NO_DATABASE]:
    'is no SQLite database, or its beginning is damaged; name another file in DATABASE_URL, ' +
    'or restore this one from a backup',
};
const OF_CREDENTIALS = 'restore it from a backup, or delete it and connect every mailbox again';
/** Unlike mail, credentials cannot be fetched again. */
const UNUSABLE_CREDENTIALS: Readonly<Record<number, string>> = {
  ...UNUSABLE,
  [DAMAGED]: `is damaged; ${OF_CREDENTIALS}`,
  [NO_DATABASE]: `is no SQLite database, or its beginning is damaged; ${OF_CREDENTIALS}`,
};

/** SQLite's primary result code of an error thrown by node:sqlite; null for any other error. */
function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return null;
  return error.errcode & 0xff;
}

/** Whether another connection held the lock. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/**
 * What an error of node:sqlite means to the store; errors that say nothing about the database come back as they are.
 */
export function translateSqliteError(error: unknown, path: string, holds: 'mail' | 'credentials' = 'mail'): unknown {
  if (error instanceof StoreError) return error;
  const code = resultCode(error);
  const reason = code === null ? closedReason(error) : (holds === 'mail' ? UNUSABLE : UNUSABLE_CREDENTIALS)[code];
  return reason === undefined
    ? error
    : new StoreError({ kind: 'unavailable' }, `The database ${path} ${reason}.`, { cause: error });
}

function closedReason(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (codeOf(error) === 'ERR_INVALID_STATE') return 'was closed';
  if ('syscall' in error) return `could not be opened (${systemCodeOf(error)}); check the folder and its permissions`;
  return undefined;
}
