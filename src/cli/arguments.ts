import { InvalidArgumentError, type Command } from 'commander';

import { RESUMABLE_PHASES, type BlockedPhase } from '../client/blocked-mailbox.ts';
import { InvalidDurationError, parseDuration } from '../model/duration.ts';
import { InvalidIdError, mailboxId, type MailboxId } from '../model/ids.ts';
import { UsageError } from '../model/program-errors.ts';
import { MESSAGE_FORMATS, type MessageFormat } from '../model/settings.ts';

/** Parsers of arguments. When a parser refuses an argument, commander names the argument, and the exit code is 2. */

export function parseEmail(text: string): MailboxId {
  try {
    return mailboxId(text);
  } catch (error) {
    if (error instanceof InvalidIdError)
      throw new InvalidArgumentError('Expected an e-mail address, for example ada@example.com.');
    throw error;
  }
}

const SHORTEST_INTERVAL = 1_000;
/** The longest interval that a mailbox's settings accept. */
const LONGEST_INTERVAL = parseDuration('366d');
const INTERVAL = 'a duration from 1s to 366d, written like 30s, 5m, 1h or 7d';

export function parseInterval(text: string): number {
  return intervalIn(text) ?? refuse(`Expected ${INTERVAL}.`);
}

/** Returns `never` rather than null, because commander takes null for an option without a value. */
export function parseIntervalOrNever(text: string): number | 'never' {
  return text === 'never' ? text : (intervalIn(text) ?? refuse(`Expected ${INTERVAL}, or never.`));
}

function intervalIn(text: string): number | null {
  try {
    const interval = parseDuration(text);
    return interval >= SHORTEST_INTERVAL && interval <= LONGEST_INTERVAL ? interval : null;
  } catch (error) {
    if (error instanceof InvalidDurationError) return null;
    throw error;
  }
}

function refuse(message: string): never {
  throw new InvalidArgumentError(message);
}

/** @returns epoch milliseconds. A day without a time means its midnight in UTC. */
export function parseDate(text: string): number {
  const day = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})$/.exec(text);
  if (day !== null) {
    const [year, month, date] = [Number(day[1]), Number(day[2]), Number(day[3])];
    const at = new Date(Date.UTC(year, month - 1, date));
    if (at.getUTCMonth() === month - 1 && at.getUTCDate() === date) return at.getTime();
  } else if (/^\d{4}-\d{2}-\d{2}T/.test(text)) {
    const at = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`);
    if (!Number.isNaN(at)) return at;
  }
  throw new InvalidArgumentError(
    'Expected a date, for example 2025-01-31 or 2025/01/31 (midnight UTC) or 2025-01-31T08:00:00Z.',
  );
}

export const parseText = (text: string): string => (text.trim() === '' ? refuse('Expected some text.') : text);

/** A place in a change feed: a sequence number of one mailbox, or a cursor, which is checked when it is used. */
export const parsePlace = (text: string): number | string => (/^\d+$/.test(text) ? parseCountFromZero(text) : text);

const MOST = 999_999_999;

export const parseCount = (text: string): number => wholeNumber(text, 1);
export const parseCountFromZero = (text: string): number => wholeNumber(text, 0);

function wholeNumber(text: string, least: number): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  return number >= least ? number : refuse(`Expected a whole number from ${least} to ${MOST}.`);
}

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65_535) throw new InvalidArgumentError('Expected a port between 0 (any free one) and 65535.');
  return port;
}

export function parseHttpUrl(text: string): string {
  const { protocol } = URL.parse(text) ?? { protocol: '' };
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new InvalidArgumentError('Expected an http or https URL, for example http://127.0.0.1:8080/push.');
  return text;
}

export const parseFormat = oneOf<MessageFormat>(MESSAGE_FORMATS);
export const parseResumablePhase = oneOf<BlockedPhase>(RESUMABLE_PHASES);

/** A parser that accepts only these words. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => words.find((known) => known === text) ?? refuse(`Expected one of ${words.join(', ')}.`);
}

/**
 * Refuses an option that means nothing without another one. By convention, its description begins `with --other:`.
 *
 * @param option - the name that commander gives the option's value, such as `failOnFailures`
 * @param other - the same name of the other option
 */
export function onlyWith(command: Command, option: string, other: string): Command {
  return command.hook('preAction', (_, called) => {
    if (called.getOptionValueSource(option) !== 'cli' || called.getOptionValue(other) !== undefined) return;
    const [given, lacking] = [flagOf(option), flagOf(other)];
    throw new UsageError(`${given} means nothing without ${lacking}: add ${lacking}, or leave ${given} out.`);
  });
}

const flagOf = (option: string): string => `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** For an option that may be given more than once. */
export function collect<Value>(
  parse: (text: string) => Value,
): (text: string, earlier: readonly Value[] | undefined) => readonly Value[] {
  return (text, earlier = []) => [...earlier, parse(text)];
}
