import { boundedText } from './bounded-text.ts';
import { DEFAULT_SETTINGS, MESSAGE_FORMATS, RECOVERIES, type MailboxSettings, type Scope } from './settings.ts';
import { TidemarkError } from './tidemark-error.ts';

/** A change of the scope; conditions that are not named stay as they are. */
export interface ScopeChange extends Partial<Omit<Scope, 'labelIds'>> {
  /** Ids of labels. A message must carry at least one of them; empty means all mail. */
  readonly labelIds?: readonly string[];
}

/** The settings to change; settings that are not named stay as they are. */
export interface SettingsChange extends Partial<Omit<MailboxSettings, 'scope' | 'push'>> {
  /** Which messages are mirrored. */
  readonly scope?: ScopeChange;
  /** Gmail's notifications, with ids of the labels that they are limited to; null for polling only. */
  readonly push?: { readonly labelIds: readonly string[] } | null;
}

/** Settings that are checked already, or were stored by an earlier version, which knew fewer of them. */
export type SomeSettings = Partial<Omit<MailboxSettings, 'scope'>> & { readonly scope?: Partial<Scope> };

/** Thrown when a change of settings is invalid. A person may have typed it into the Temporal UI. */
export class InvalidSettingsError extends TidemarkError {
  override readonly name = 'InvalidSettingsError';
  readonly code = 'invalid-settings';
}

/** Polling faster than this would be a busy loop. */
const SHORTEST_INTERVAL = 100;
/** A year. Temporal limits the length of a timer, and a workflow that exceeds the limit would stall. */
const LONGEST_INTERVAL = 366 * 24 * 60 * 60_000;

/**
 * Each run of the workflow carries the settings to the next run, twice, and Temporal limits their size. Gmail's ids
 * have some 25 characters.
 */
const MOST_IDS = 250;
const LONGEST_ID = 100;
/** Characters of a list of ids as JSON. */
const LONGEST_LIST = 7_000;
const IDS = `label ids, at most ${MOST_IDS} with ${LONGEST_ID} characters each and ${LONGEST_LIST} in all`;
/** An error message repeats this many characters of a name that somebody typed. */
const QUOTED = 100;

/** Completes settings that an earlier version wrote, which knew fewer of them. */
export function completeSettings(settings: SomeSettings): MailboxSettings {
  return merge(DEFAULT_SETTINGS, settings);
}

/**
 * Replaces null lists by empty ones: Go clients, including Temporal's CLI, write an empty list as null.
 *
 * @returns the change itself when no list is null
 */
export function withLists(change: SettingsChange): SettingsChange {
  if (!isObject(change)) return change;
  const entries = Object.entries(change);
  if (!entries.some(([, value]) => hasNoList(value))) return change;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, hasNoList(value) ? Object.assign({}, value, { labelIds: [] }) : value]),
  );
}

const hasNoList = (value: unknown): value is { readonly labelIds: null } =>
  typeof value === 'object' && value !== null && 'labelIds' in value && value.labelIds === null;

/**
 * The settings after a change.
 *
 * @throws {InvalidSettingsError} when a value is not one of those allowed, or a name is unknown
 */
export function changeSettings(present: MailboxSettings, change: SettingsChange): MailboxSettings {
  assertAllowed(change);
  return merge(present, change);
}

function assertAllowed(change: SettingsChange): asserts change is SomeSettings {
  if (!isObject(change)) throw new InvalidSettingsError('settings are an object, for example {"format":"raw"}');
  for (const [name, value] of Object.entries(change)) check(RULES, name, value);
  if (change.scope !== undefined) {
    if (!isObject(change.scope))
      throw new InvalidSettingsError('"scope" is an object, for example {"includeSpamTrash":true}');
    for (const [name, value] of Object.entries(change.scope)) check(SCOPE_RULES, name, value);
  }
}

/** Merges two changes; the second one wins. */
export function joinChanges(first: SettingsChange, second: SettingsChange): SettingsChange {
  return {
    ...first,
    ...second,
    ...(first.scope === undefined && second.scope === undefined ? {} : { scope: { ...first.scope, ...second.scope } }),
  };
}

function merge(present: MailboxSettings, change: SomeSettings): MailboxSettings {
  return { ...present, ...change, scope: { ...present.scope, ...change.scope } };
}

type Rule = readonly [allows: (value: unknown) => boolean, expected: string];

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
const isOneOf = (words: readonly string[]): Rule => [
  (value) => typeof value === 'string' && words.includes(value),
  `one of ${words.join(', ')}`,
];
const isWhole = (value: unknown, least: number): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
const isInterval = (value: unknown): boolean => isWhole(value, SHORTEST_INTERVAL) && Number(value) <= LONGEST_INTERVAL;
const isId = (value: unknown): boolean => typeof value === 'string' && value !== '' && value.length <= LONGEST_ID;
const isIds = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= MOST_IDS && value.every(isId) && JSON.stringify(value).length <= LONGEST_LIST;
const isPush = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Object.keys(value).join() === 'labelIds' &&
  'labelIds' in value &&
  isIds(value.labelIds);
const isYesOrNo: Rule = [(value) => typeof value === 'boolean', 'true or false'];

const RULES: Readonly<Record<keyof MailboxSettings, Rule>> = {
  format: isOneOf(MESSAGE_FORMATS),
  scope: [() => true, 'an object'],
  attachments: isYesOrNo,
  pollInterval: [isInterval, `milliseconds, from ${SHORTEST_INTERVAL} to ${LONGEST_INTERVAL}`],
  recovery: isOneOf(RECOVERIES),
  auditInterval: [
    (value) => value === null || isInterval(value),
    `milliseconds, from ${SHORTEST_INTERVAL} to ${LONGEST_INTERVAL}, or null for never`,
  ],
  push: [
    (value) => value === null || isPush(value),
    `{"labelIds":[…]} with ${IDS}, {"labelIds":[]} for every change, or null for polling only`,
  ],
};

const SCOPE_RULES: Readonly<Record<keyof Scope, Rule>> = {
  labelIds: [isIds, `a list of ${IDS}`],
  after: [(value) => value === null || isWhole(value, 0), 'epoch milliseconds, or null'],
  limit: [(value) => value === null || isWhole(value, 1), 'a whole number above 0, or null'],
  includeSpamTrash: isYesOrNo,
};

function check<Name extends string>(rules: Readonly<Record<Name, Rule>>, name: string, value: unknown): void {
  const rule = Object.entries<Rule>(rules).find(([known]) => known === name)?.[1];
  if (rule === undefined)
    throw new InvalidSettingsError(
      `there is no setting "${boundedText(name, QUOTED)}": expected ${Object.keys(rules).join(', ')}`,
    );
  const [allows, expected] = rule;
  if (!allows(value)) throw new InvalidSettingsError(`the setting "${name}" is wrong: expected ${expected}`);
}
