import { MAX_BATCH, type GmailSession } from '../gmail/gmail-api.ts';
import type { MailboxId } from '../model/ids.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

/** Batches of one activity; more is left to the next. */
const MAX_BATCHES = 20;

/**
 * Reads labels again where a record appeared late: one MINIMAL get each settles what the order of records left open.
 *
 * @returns true when nothing is left to refresh now
 */
export async function refreshLabels(deps: ActivityDependencies, session: GmailSession, mailbox: MailboxId, run: ActivityRun): Promise<boolean> {
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const ids = await deps.store.nextRefresh({ mailbox, limit: MAX_BATCH });
    if (ids.length === 0) return true;
    const outcomes = await session.batchGet(
      ids.map((id) => ({ kind: 'message', id })),
      'minimal',
      run.signal,
    );
    const readings = outcomes.flatMap((outcome) => (outcome.kind === 'fetched' ? outcome.readings : []));
    const { stale } = await deps.store.saveReadings({ mailbox, readings, format: 'minimal', now: deps.clock.now() });
    // Not answered, deleted meanwhile, or a stale replica: the next partial sync asks again.
    if (readings.length - stale.length < ids.length) return ids.length < MAX_BATCH;
  }
  return false;
}
