import { ConfigError } from '../config/config-error.ts';
import { linesOf } from '../host/terminal.ts';
import { TidemarkError, type TidemarkErrorCode } from '../model/tidemark-error.ts';
import { messageWithAdvice } from './advice.ts';
import { TemporalServerError } from '../temporal/dev-server/temporal-server-error.ts';

export interface FailureReport {
  /** For programs: a word that never changes. */
  readonly code: string;
  /** For programs and logs. */
  readonly message: string;
  /**
   * The message for people: usually one line; several for a list of wrong variables, or for the end of a server's log.
   */
  readonly lines: readonly string[];
  /** 1 failed, 2 bad usage, 3 done except for messages that could not be fetched. */
  readonly exitCode: 1 | 2 | 3;
}

/** Errors in what a person typed or set, which end with exit code 2; and the code that is printed for each. */
const BAD_USAGE: Partial<Readonly<Record<TidemarkErrorCode, TidemarkErrorCode>>> = {
  usage: 'usage',
  'invalid-id': 'usage',
  'invalid-duration': 'usage',
  'invalid-settings': 'usage',
  configuration: 'configuration',
  'invalid-cursor': 'invalid-cursor',
};

/** Decides what is reported about an error, to a person and to a program. */
export function reportFailure(error: unknown): FailureReport {
  if (error instanceof TidemarkError) {
    const { code } = error;
    const lines = linesOfMessage(error);
    const exitCode = code in BAD_USAGE ? 2 : code === 'messages-failed' ? 3 : 1;
    return { code: BAD_USAGE[code] ?? code, message: lines.join('\n'), lines, exitCode };
  }
  if (isSystemError(error)) return unexpected('system', systemText(error));
  if (error instanceof Error)
    return unexpected('unexpected', `${error.name}: ${error.message} (LOG_LEVEL=debug shows where)`);
  return unexpected('unexpected', String(error));
}

/** Some messages are lists: wrong variables, the causes of a server that does not start. */
function linesOfMessage(error: TidemarkError): readonly string[] {
  return error instanceof ConfigError || error instanceof TemporalServerError
    ? error.lines
    : [messageWithAdvice(error)];
}

/**
 * An error's stack, indented: its message may contain line breaks, and the lines after them must not look like
 * Tidemark's.
 */
export function stackLines({ stack = '' }: Error): readonly string[] {
  return linesOf(stack).map((line) => `    ${line}`);
}

const unexpected = (code: 'system' | 'unexpected', message: string): FailureReport => ({
  code,
  message,
  lines: [message],
  exitCode: 1,
});

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
