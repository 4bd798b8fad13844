import { boundedText } from './bounded-text.ts';
import { UsageError } from './program-errors.ts';

/** The names of a call's options; the compiler holds them to the type. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/** A message repeats at most this many characters of a name that somebody wrote. */
const QUOTED = 80;

/**
 * Refuses what TypeScript refuses, for callers in plain JavaScript. A misspelt option would be ignored without a word,
 * and the call would do something else than was meant.
 *
 * @param of - what takes the options, for the message
 * @param refusal - makes the error of a message
 * @returns the options
 * @throws {UsageError} unless `refusal` makes another error
 */
export function knownOptions<Options extends object>(
  of: string,
  options: Options,
  names: OptionNames<Options>,
  refusal: (message: string) => Error = (message) => new UsageError(message),
): Options {
  const list = Object.keys(names).join(', ');
  if (!isObject(options)) throw refusal(`${of} takes an object with ${list}.`);
  // An object of a class may have more than its interface.
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(options));
  const unknown = isPlain ? Object.keys(options).find((name) => !Object.hasOwn(names, name)) : undefined;
  if (unknown !== undefined) throw refusal(`${of} takes no "${boundedText(unknown, QUOTED)}": it takes ${list}.`);
  const signal: unknown = 'signal' in options ? options.signal : undefined;
  if (signal !== undefined && !(isObject(signal) && 'throwIfAborted' in signal))
    throw refusal(`The signal of ${of} is no AbortSignal.`);
  return options;
}

/** @throws {UsageError} when the value is not a whole number, or is below the least one */
export function wholeFrom(least: number, name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw new UsageError(`${name} is ${shown(value)}: expected a whole number from ${least}.`);
  return value;
}

/** @throws {UsageError} when the value is none of those that are allowed */
export function valueAmong<Value extends string>(allowed: readonly Value[], name: string, value: Value): Value {
  if (!allowed.includes(value))
    throw new UsageError(`${name} is ${shown(value)}: expected one of ${allowed.join(', ')}.`);
  return value;
}

/** A wrong value, in a message. */
export const shown = (value: unknown): string =>
  typeof value === 'string' ? `"${boundedText(value, QUOTED)}"` : boundedText(String(value), QUOTED);

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
