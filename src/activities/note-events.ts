import type { EventStore } from '../store/subscriptions/event-store.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { NoteEventsRequest, OfWorker } from './requests.ts';

/**
 * Keeps events of a mailbox. It is one transaction, and an event that is kept already is left, so an attempt that is
 * made again changes nothing.
 */
export async function noteEvents(
  { store }: ActivityDependencies<EventStore>,
  { mailbox, events }: NoteEventsRequest,
): Promise<OfWorker> {
  await store.noteEvents({ mailbox, events });
  return {};
}
