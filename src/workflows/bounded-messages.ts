import { boundedText } from '../model/bounded-text.ts';
import type { MailboxEvent } from './mailbox-event.ts';
import type { MailboxState } from './mailbox-state.ts';

// The state is carried whole by continue-as-new. Above Temporal's limit of a payload (2 MB: https://docs.temporal.io/self-hosted-guide/defaults)
// that command fails, and the workflow task with it, for ever. So no text of any length enters the state. Pure.

/** The event with each text for a person at a length that the state may keep. */
export function withBoundedMessages(event: MailboxEvent): MailboxEvent {
  if ('message' in event) return { ...event, message: boundedText(event.message) };
  if ('watchRefusal' in event && event.watchRefusal !== undefined) return { ...event, watchRefusal: boundedText(event.watchRefusal) };
  return event;
}

/** The same for what an earlier version has carried over. Settings stay whole: a shorter scope would be another one, and remove mail. */
export function withBoundedTexts(state: MailboxState): MailboxState {
  return { ...state, blocked: withMessage(state.blocked), rateLimited: withMessage(state.rateLimited), lastError: withMessage(state.lastError) };
}

function withMessage<Told extends { readonly message: string }>(told: Told | null): Told | null {
  return told === null ? null : { ...told, message: boundedText(told.message) };
}
