import type { MailboxId } from '../model/ids.ts';
import type { FetchProgress, WorkStore } from '../store/fetching/work-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { forecast } from './forecast-backfill.ts';
import type { Counts } from './requests.ts';

/** The part of an activity's result that concerns the mailbox as a whole. */
export async function countsOf(
  deps: ActivityDependencies<MailboxRegistry & WorkStore & SpentUnits>,
  mailbox: MailboxId,
  progress?: FetchProgress,
): Promise<Counts> {
  const { stored, pending, failed } = progress ?? (await deps.store.countProgress(mailbox));
  const left = await forecast(deps, mailbox);
  if (left === null) return { stored, pending, failed };
  const usage = await deps.store.getUsage(mailbox);
  const sum = (figure: 'units' | 'rejected'): number => usage.reduce((total, method) => total + method[figure], 0);
  const { unitsLeft, unitsPerMinute, lastMinute, finishAt } = left;
  const rest = { unitsLeft, unitsPerMinute, lastMinute, finishAt };
  return { stored, pending, failed, quota: { units: sum('units'), rejected: sum('rejected'), ...rest } };
}
