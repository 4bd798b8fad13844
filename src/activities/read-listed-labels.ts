import { MAX_BATCH } from '../gmail/api/gmail-api.ts';
import type { FullSyncProgress } from '../store/rows/mailbox-row.ts';
import { save, startOf, type Step, type Work } from './listing-work.ts';
import { readLabels } from './refresh.ts';

/**
 * Carries out the setting `recovery: minimal`, which follows Google's guide: every held message is read again, for 20
 * units each. The gets come after the wait for the index, so no replica is behind the mark any more. Later changes are
 * in the history from the mark.
 */
export async function readNextLabels(work: Work, progress: Step<'reading-labels'>): Promise<FullSyncProgress> {
  const { deps, session, listing, run } = work;
  const { mailbox, generation } = listing;
  const ids = await deps.store.listSeen({ mailbox, generation, after: progress.after, limit: MAX_BATCH });
  const last = ids.at(-1);
  const { pass } = progress;
  if (last === undefined)
    return await save(work, { ...startOf(progress), step: 'confirming', ...(pass === undefined ? {} : { pass }) });
  await readLabels({ deps, session, mailbox, run }, ids);
  return await save(work, { ...progress, after: last });
}
