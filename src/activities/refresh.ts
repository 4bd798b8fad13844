import { MAX_BATCH, type GmailSession } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

/** Batches of one activity; more is left to the next. */
const MAX_BATCHES = 20;

/**
 * Reads labels again where a record appeared late: one MINIMAL get each settles what the order of records left open.
 * One that is not answered (deleted meanwhile, a stale replica, a poisonous message) waits for a later attempt, and holds up nobody.
 *
 * @returns true when nothing is left to refresh now
 */
export async function refreshLabels(deps: ActivityDependencies, session: GmailSession, mailbox: MailboxId, run: ActivityRun): Promise<boolean> {
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const ids = await deps.store.nextRefresh({ mailbox, limit: MAX_BATCH, now: deps.clock.now() });
    if (ids.length === 0) return true;
    await readLabels({ deps, session, mailbox, run }, ids);
  }
  return false;
}

/** Whose labels are read, and by which attempt. */
export interface LabelReading {
  readonly deps: ActivityDependencies;
  readonly session: GmailSession;
  readonly mailbox: MailboxId;
  readonly run: ActivityRun;
}

/** Reads the labels of these messages, at most {@link MAX_BATCH} of them, by one MINIMAL get each. What is not answered is put off. */
export async function readLabels(refresh: LabelReading, ids: readonly MessageId[]): Promise<void> {
  const { deps, session, mailbox, run } = refresh;
  let readings;
  try {
    const requests = ids.map((id) => ({ kind: 'message', id }) as const);
    const outcomes = await session.batchGet(requests, 'minimal', run.signal);
    readings = outcomes.flatMap((outcome) => (outcome.kind === 'fetched' ? outcome.readings : []));
  } catch (error) {
    if (!(error instanceof GmailError) || error.failure.kind !== 'unavailable') throw error;
    return await split(refresh, ids);
  }
  const now = deps.clock.now();
  const { stale } = await deps.store.saveFetched({ mailbox, messages: readings, format: 'minimal', now });
  const settled = new Set(readings.map((reading) => reading.id).filter((id) => !stale.includes(id)));
  const unsettled = ids.filter((id) => !settled.has(id));
  if (unsettled.length > 0) await deps.store.putOffRefresh({ mailbox, messageIds: unsettled, now });
}

/** A batch that fails whole while Gmail answers otherwise is halved until the culprit stands alone. */
async function split(refresh: LabelReading, ids: readonly MessageId[]): Promise<void> {
  const { deps, session, mailbox, run } = refresh;
  await session.getProfile(run.signal);
  if (ids.length === 1) return await deps.store.putOffRefresh({ mailbox, messageIds: ids, now: deps.clock.now() });
  const middle = Math.ceil(ids.length / 2);
  await readLabels(refresh, ids.slice(0, middle));
  await readLabels(refresh, ids.slice(middle));
}
