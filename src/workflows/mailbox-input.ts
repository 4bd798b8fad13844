import { InvalidIdError, mailboxId, type MailboxId } from '../model/ids.ts';
import { isObject } from '../model/json-object.ts';
import {
  changeSettings,
  completeSettings,
  InvalidSettingsError,
  withLists,
  type SettingsChange,
} from '../model/settings-change.ts';
import { storeMarkIn } from '../model/store-identity.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { isWholeState } from './carried-by-hand.ts';
import { workflowIdOf, type MailboxInput } from './definitions.ts';
import { UnreadablePayload } from './unreadable-payload.ts';

/** Thrown when a mailbox's workflow was started with an invalid input. */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInputError';
}

export interface CheckedInput extends MailboxInput {
  /** The settings that were named; null when all were. */
  readonly named: SettingsChange | null;
}

/** The run that an input begins. */
export interface InputRun {
  /** Must be `mailbox/` and the mailbox's address in lower case, so that each mailbox has one workflow. */
  readonly workflowId: string;
  /** The run that has handed its state on by continue-as-new, which no client can do; absent otherwise. */
  readonly continuedFrom?: string | undefined;
  /** Epoch ms. */
  readonly now: number;
}

/** A message repeats at most this many characters of what somebody typed. */
const QUOTED = 300;

/**
 * Reads the input of a mailbox's workflow, which was started by Tidemark's client, by an earlier run, or by any
 * Temporal client, for which `{"mailbox":"ada@example.com"}` is enough. Pure.
 *
 * @param argument - the workflow's first argument, unchecked
 * @returns the input with all settings, using the defaults for those that are not named. What an earlier run carried on
 * is taken as it is. A state that a client hands over must be whole
 * @throws {InvalidInputError} with a sentence for the person who started it
 */
export function mailboxInput(argument: unknown, { workflowId, continuedFrom, now }: InputRun): CheckedInput {
  if (argument instanceof UnreadablePayload) throw refusal(`the input cannot be read: ${argument.why}`);
  if (!isObject(argument)) throw refusal('the input is no object');
  const { mailbox: address, settings = null, carried = null } = argument;
  const mailbox = mailboxIn(address);
  const expected = workflowIdOf(mailbox);
  if (workflowId !== expected)
    throw refusal(`the workflow id is "${quoted(workflowId)}", and must be "${expected}" for this mailbox`);
  if (carried !== null) {
    if (!isCarried(carried, mailbox) || (continuedFrom === undefined && !isWholeState(carried, mailbox, now)))
      throw refusal('"carried" is for the workflow itself, which hands its state on by it: leave it out');
    // Only earlier and later builds write these, never a person.
    return { mailbox, settings: completeSettings(isObject(settings) ? settings : {}), named: null, carried };
  }
  const store = storeMarkIn(argument['store']);
  return { mailbox, ...settingsIn(settings), ...(store === null ? {} : { store }), carried: null };
}

function mailboxIn(address: unknown): MailboxId {
  if (typeof address !== 'string') throw refusal('"mailbox" must be an e-mail address');
  try {
    return mailboxId(address);
  } catch (error) {
    if (error instanceof InvalidIdError)
      throw refusal(`"mailbox" must be an e-mail address, and is "${quoted(address)}"`);
    throw error;
  }
}

function settingsIn(settings: unknown): Pick<CheckedInput, 'settings' | 'named'> {
  if (settings === null) return { settings: DEFAULT_SETTINGS, named: {} };
  if (!isObject(settings)) throw refusal('"settings" must be an object, for example {"format":"raw"}');
  // A client of a later build sends all of its settings. A setting that this build does not know must not end the
  // mailbox.
  const isWhole = Object.keys(DEFAULT_SETTINGS).every((name) => name in settings);
  const known = isWhole
    ? Object.fromEntries(Object.entries(settings).filter(([name]) => name in DEFAULT_SETTINGS))
    : settings;
  const named = withLists(known);
  try {
    return { settings: changeSettings(DEFAULT_SETTINGS, named), named: isWhole ? null : named };
  } catch (error) {
    if (error instanceof InvalidSettingsError) throw refusal(quoted(error.message));
    throw error;
  }
}

/** Whether a value has the fields that every build's carried state has. */
function isCarried(carried: unknown, mailbox: MailboxId): carried is NonNullable<MailboxInput['carried']> {
  return (
    isObject(carried) &&
    carried['mailbox'] === mailbox &&
    isObject(carried['fullSync']) &&
    isObject(carried['syncs']) &&
    isObject(carried['counters']) &&
    isObject(carried['settings'])
  );
}

function refusal(wrong: string): InvalidInputError {
  return new InvalidInputError(
    `this mailbox was not started: ${wrong}. Start it with the workflow id mailbox/ada@example.com and the input ` +
      '{"mailbox":"ada@example.com"}; add "settings" for what shall differ from the defaults',
  );
}

const quoted = (text: string): string => (text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text);
