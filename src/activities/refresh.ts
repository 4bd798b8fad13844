import { MAX_BATCH, type FetchOutcome, type GmailSession } from '../gmail/api/gmail-api.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import { getApart, messageRequests } from './batched-gets.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

/** The most batches of one activity; the next one does the rest. */
const MAX_BATCHES = 20;

/**
 * Reads again the labels of messages for which a history record appeared late: one MINIMAL get each decides what the
 * order of records left open. A message without an answer (deleted meanwhile, a stale replica, a poisonous message)
 * waits for a later attempt and does not hold up the others.
 *
 * @returns true when nothing is left to refresh now
 */
export async function refreshLabels(
  deps: ActivityDependencies<FetchingStore>,
  session: GmailSession,
  mailbox: MailboxId,
  run: ActivityRun,
): Promise<boolean> {
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const ids = await deps.store.nextRefresh({ mailbox, limit: MAX_BATCH, now: deps.clock.now() });
    if (ids.length === 0) return true;
    await readLabels({ deps, session, mailbox, run }, ids);
  }
  return false;
}

/** The mailbox whose labels are read, and the attempt that reads them. */
export interface LabelRefresh {
  readonly deps: ActivityDependencies<FetchingStore>;
  readonly session: GmailSession;
  readonly mailbox: MailboxId;
  readonly run: ActivityRun;
}

/**
 * Reads the labels of at most {@link MAX_BATCH} messages by one MINIMAL get each. Messages without an answer are put
 * off.
 */
export async function readLabels(refresh: LabelRefresh, ids: readonly MessageId[]): Promise<void> {
  const { deps, session, mailbox, run } = refresh;
  const askedAt = deps.clock.now();
  const outcomes = await getApart(session, messageRequests(ids), 'minimal', run.signal);
  const fetched = outcomes.flatMap((outcome) => (outcome.kind === 'fetched' ? outcome.messages : []));
  const notFound = new Set(ids.filter((_, index) => isNotFound(outcomes[index])));
  const now = deps.clock.now();
  const { stale } = await deps.store.saveFetched({ mailbox, messages: fetched, format: 'minimal', askedAt, now });
  const read = new Set(fetched.map(({ id }) => id).filter((id) => !stale.includes(id)));
  const unread = ids.filter((id) => !read.has(id));
  if (unread.length > 0) await deps.store.putOffRefresh({ mailbox, messageIds: unread, notFound, now });
}

const isNotFound = (outcome: FetchOutcome | undefined): boolean =>
  outcome?.kind === 'failed' && outcome.error.failure.kind === 'not-found';
