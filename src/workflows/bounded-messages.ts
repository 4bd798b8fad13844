import { boundedText } from '../model/bounded-text.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';

// Continue-as-new carries the whole state. Above Temporal's limit of a payload (2 MB:
// https://docs.temporal.io/self-hosted-guide/defaults) that command and its workflow task fail forever. So only texts
// of bounded length enter the state. Pure.

/** The event with its texts cut to a length that the state may keep. */
export function withBoundedMessages(event: MailboxEvent): MailboxEvent {
  if ('message' in event) return { ...event, message: boundedText(event.message) };
  if ('watchRefusal' in event && event.watchRefusal !== undefined)
    return { ...event, watchRefusal: boundedText(event.watchRefusal) };
  return event;
}

/**
 * The state that an earlier version carried over, with its texts cut. Settings stay whole: a shortened scope would be
 * another scope, and would remove mail.
 */
export function withBoundedTexts(state: MailboxState): MailboxState {
  return {
    ...state,
    blocked: withMessage(state.blocked),
    rateLimited: withMessage(state.rateLimited),
    lastError: withMessage(state.lastError),
  };
}

function withMessage<Told extends { readonly message: string }>(told: Told | null): Told | null {
  return told === null ? null : { ...told, message: boundedText(told.message) };
}
