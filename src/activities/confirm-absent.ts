import { MAX_BATCH, type GmailSession, type ListedMessage } from '../gmail/gmail-api.ts';
import type { MessageId } from '../model/ids.ts';
import { inScope } from '../model/settings.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { listings, pagesOf } from './list-ids.ts';
import type { Listing } from './listing.ts';

interface Confirmation {
  readonly deps: ActivityDependencies;
  readonly session: GmailSession;
  readonly listing: Listing;
  readonly run: ActivityRun;
}

const PAGE = 500;

/**
 * Stored messages that the listing did not show look deleted. Where no pass was clean, or none was made over rows that existed before, a listing may have
 * skipped one, so that is confirmed before they become tombstones:
 * by a get each while they are few, by one more listing when they are many, whichever costs fewer units.
 * Those that turn out to be there are marked as seen. Without a stored message that is absent it costs nothing.
 */
export async function confirmAbsent(confirmation: Confirmation): Promise<void> {
  const { deps, listing } = confirmation;
  const { mailbox, generation } = listing;
  const absent = await deps.store.countAbsent({ mailbox, generation });
  if (absent === 0) return;
  const counts = await deps.store.countMessages(mailbox, deps.clock.now());
  const pages = Math.ceil((counts.stored + counts.pending + counts.failed) / PAGE);
  const { units } = deps.prices;
  if (absent * units['messages.get'] <= pages * units['messages.list']) await confirmByGets(confirmation);
  else await confirmByListing(confirmation);
}

async function confirmByGets({ deps, session, listing, run }: Confirmation): Promise<void> {
  const { mailbox, generation } = listing;
  let after: MessageId | null = null;
  for (;;) {
    const absent: readonly ListedMessage[] = await deps.store.listAbsent({ mailbox, generation, after, limit: MAX_BATCH });
    const last = absent.at(-1);
    if (last === undefined) return;
    after = last.id;
    const outcomes = await session.batchGet(
      absent.map(({ id }) => ({ kind: 'message', id })),
      'minimal',
      run.signal,
    );
    const readings = [];
    for (const outcome of outcomes) {
      if (outcome.kind === 'fetched') readings.push(...outcome.readings);
      // Anything but a clear "not found" is no answer: the attempt fails, and the next one asks again.
      else if (outcome.error.failure.kind !== 'not-found' && outcome.error.failure.kind !== 'invalid-request') throw outcome.error;
    }
    // One that left the scope is not seen: its reading makes it `excluded`, with the labels that it has now.
    await markSeen(
      { deps, listing },
      readings.filter((reading) => inScope(listing.settings.scope, reading)),
    );
    await deps.store.saveReadings({ mailbox, readings, format: 'minimal', now: deps.clock.now() });
  }
}

async function confirmByListing({ deps, session, listing, run }: Confirmation): Promise<void> {
  for (const query of listings(listing.settings.scope)) {
    for await (const messages of pagesOf(session, query, run.signal)) await markSeen({ deps, listing }, messages);
  }
}

async function markSeen({ deps, listing }: Pick<Confirmation, 'deps' | 'listing'>, messages: readonly ListedMessage[]): Promise<void> {
  const { mailbox, generation } = listing;
  const row = await deps.store.getMailbox(mailbox);
  if (row?.fullSync?.generation !== generation) return;
  await deps.store.saveListingPage({ mailbox, generation, messages, position: 0, progress: row.fullSync, now: deps.clock.now() });
}
