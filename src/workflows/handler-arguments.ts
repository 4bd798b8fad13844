import { LAST_MOMENT } from '../model/date-range.ts';
import { addressIn } from '../model/address.ts';
import { historyId, InvalidIdError, type HistoryId, type MailboxId } from '../model/ids.ts';
import type { MailboxEvent } from './mailbox-event.ts';

// Anybody may type the argument of a signal or update into the Temporal UI. If one made a handler throw, the workflow
// task would fail forever, because the signal stays in the history. So nothing here trusts a type. Pure.

/** The event of a `poke`. JSON null means no notification, and an invalid historyId counts as unknown. */
export function pokeEvent(notification: unknown): MailboxEvent {
  if (!isObject(notification)) return { kind: 'poked' };
  return { kind: 'notified', historyId: historyIdIn(notification) };
}

/** The event of a `rateLimited`; null when it names no time. */
export function rateLimitedEvent(wait: unknown): Extract<MailboxEvent, { kind: 'rate-limited' }> | null {
  if (!isObject(wait) || !('until' in wait)) return null;
  const { until } = wait;
  if (typeof until !== 'number' || !(Math.abs(until) <= LAST_MOMENT)) return null;
  const message = 'message' in wait && typeof wait.message === 'string' ? wait.message : 'Gmail asks to wait';
  const waitFor =
    'waitFor' in wait && typeof wait.waitFor === 'number' && Number.isFinite(wait.waitFor)
      ? { waitFor: wait.waitFor }
      : {};
  return { kind: 'rate-limited', until, ...waitFor, message };
}

/** The mailbox that a `handOver` names; null when it names none. */
export function handOverTarget(argument: unknown): MailboxId | null {
  if (!isObject(argument) || !('to' in argument) || typeof argument.to !== 'string') return null;
  return addressIn(argument.to);
}

/**
 * A validator of an update that waits for a number.
 *
 * @param name - the number's name in the argument
 * @returns a function that throws a TypeError, which refuses the update, unless its argument has that number
 */
export function requireNumber(name: 'sync' | 'generation' | 'audit'): (argument: unknown) => void {
  return (argument) => {
    const found = isObject(argument) ? Object.entries(argument).find(([key]) => key === name)?.[1] : undefined;
    if (!Number.isSafeInteger(found)) throw new TypeError(`expected an argument like {"${name}":1}`);
  };
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function historyIdIn(notification: object): HistoryId | null {
  if (!('historyId' in notification) || typeof notification.historyId !== 'string') return null;
  try {
    return historyId(notification.historyId);
  } catch (error) {
    if (error instanceof InvalidIdError) return null;
    throw error;
  }
}
