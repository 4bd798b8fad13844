import type { GmailSession } from '../gmail/gmail-api.ts';
import type { MailboxRow } from '../store/mailbox-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { listings, pagesOf } from './list-ids.ts';

/**
 * The list index lags: a message older than the mark may not have been listed when the manifest of a first full sync was made, and history tells
 * nothing of it. Some time later everything is listed once more (5 units per 500 ids): the newest page alone would not do, since a message that
 * was imported just before the listing has whatever date its sender gave it. Listing twice changes nothing, so a crash only begins it again.
 *
 * @returns how many messages had been listed late
 */
export async function listLate(deps: ActivityDependencies, session: GmailSession, row: MailboxRow, run: ActivityRun): Promise<number> {
  const { store, clock } = deps;
  if (row.relistAt === null || row.relistAt > clock.now()) return 0;
  let late = 0;
  // Messages beyond the scope's limit were listed, and left out.
  let wanted = row.settings.scope.limit ?? Number.POSITIVE_INFINITY;
  for (const query of listings(row.settings.scope)) {
    for await (const page of pagesOf(session, query, run.signal)) {
      const messages = page.slice(0, wanted);
      wanted -= messages.length;
      const { unknown } = await store.addListedLate({ mailbox: row.id, messages, now: clock.now() });
      late += unknown;
      run.progress({ step: 'listing late', late });
      if (wanted === 0) break;
    }
  }
  await store.setRelistAt({ mailbox: row.id, generation: row.generation, relistAt: null });
  return late;
}
