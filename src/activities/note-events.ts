import type { EventStore } from '../store/subscriptions/event-store.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { NoteEventsRequest, OfWorker } from './requests.ts';

/**
 * Keeps events of a mailbox, in one transaction. An event that is kept already stays as it is, so a repeated attempt
 * changes nothing.
 */
export async function noteEvents(
  { store }: ActivityDependencies<EventStore>,
  { mailbox, events }: NoteEventsRequest,
): Promise<OfWorker> {
  await store.noteEvents({ mailbox, events });
  return {};
}
