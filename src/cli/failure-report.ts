import { CannotDoError, IncompleteError, UsageError } from '../model/program-errors.ts';
import { TidemarkError } from '../client/errors.ts';
import { ConfigError } from '../config/config.ts';
import { FeedError, InvalidCursorError } from '../model/feed-cursor.ts';
import { InvalidDurationError } from '../model/duration.ts';
import { ConsentError } from '../gmail/access/consent-error.ts';
import { InvalidCredentialsError } from '../gmail/access/credentials.ts';
import { DirectoryError } from '../gmail/access/directory-error.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { LoginError } from '../accounts/login-error.ts';
import { InvalidIdError } from '../model/ids.ts';
import { InvalidSettingsError } from '../model/settings-change.ts';
import { MoveError } from '../store/move/move-error.ts';
import { UnsupportedDatabaseError } from '../model/database-location.ts';
import { SecretKeyError } from '../secrets/secret-box.ts';
import { JournalError } from '../simulator/journal-error.ts';
import { StoreError } from '../store/engines/store-error.ts';
import { TemporalServerError } from '../temporal/dev-server/temporal-server-error.ts';
import { linesOf } from '../host/terminal.ts';

export interface FailureReport {
  /** For programs: a word that never changes. */
  readonly code: string;
  /** For programs and logs. */
  readonly message: string;
  /** The message for people: one line, or more for a configuration with several wrong values and for a server's log. */
  readonly lines: readonly string[];
  /** 1 failed, 2 bad usage, 3 done except for messages that could not be fetched. */
  readonly exitCode: 1 | 2 | 3;
}

/** Decides what is reported about an error, to a person and to a program. */
export function reportFailure(error: unknown): FailureReport {
  if (
    error instanceof UsageError ||
    error instanceof InvalidIdError ||
    error instanceof InvalidDurationError ||
    error instanceof InvalidSettingsError
  )
    return usage('usage', error);
  if (error instanceof ConfigError) return { ...usage('configuration', error), lines: error.lines };
  if (error instanceof UnsupportedDatabaseError) return usage('configuration', error);
  if (error instanceof IncompleteError) return report('messages-failed', error.message, 3);
  if (error instanceof CannotDoError) return failed(error.code, error);
  if (error instanceof InvalidCursorError) return usage(error.code, error);
  if (error instanceof FeedError) return failed(error.code, error);
  if (error instanceof MoveError) return failed('move', error);
  if (error instanceof TidemarkError) return failed(error.code, error);
  if (error instanceof StoreError) return failed(`store-${error.failure.kind}`, error);
  if (error instanceof GmailError) return failed(`gmail-${error.failure.kind}`, error);
  if (error instanceof InvalidCredentialsError) return failed('invalid-credentials', error);
  if (error instanceof ConsentError) return failed(`consent-${error.code}`, error);
  if (error instanceof DirectoryError) return failed(`domain-${error.code}`, error);
  if (error instanceof LoginError) return failed(error.code, error);
  if (error instanceof SecretKeyError) return failed('secret-key', error);
  if (error instanceof TemporalServerError) return { ...failed('temporal-server', error), lines: error.lines };
  if (error instanceof JournalError) return failed('simulator', error);
  if (isSystemError(error)) return report('system', systemText(error), 1);
  if (error instanceof Error)
    return report('unexpected', `${error.name}: ${error.message} (LOG_LEVEL=debug shows where)`, 1);
  return report('unexpected', String(error), 1);
}

/**
 * An error's stack, indented: its message may contain line breaks, and the lines after them must not look like
 * Tidemark's.
 */
export function stackLines({ stack = '' }: Error): readonly string[] {
  return linesOf(stack).map((line) => `    ${line}`);
}

const report = (code: string, message: string, exitCode: FailureReport['exitCode']): FailureReport => ({
  code,
  message,
  lines: [message],
  exitCode,
});
const failed = (code: string, { message }: Error): FailureReport => report(code, message, 1);
const usage = (code: string, { message }: Error): FailureReport => report(code, message, 2);

/** Node's message about a taken port names no remedy. */
function systemText(error: NodeJS.ErrnoException): string {
  if (error.code !== 'EADDRINUSE' || !('port' in error)) return `${error.message}.`;
  const host = 'address' in error && typeof error.address === 'string' ? `${error.address}:` : 'port ';
  return `Another program listens on ${host}${String(error.port)}. End it, or name another port.`;
}

/** An error from the operating system: a missing file, a taken port. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
