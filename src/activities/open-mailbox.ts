import { needsFullSync } from '../model/settings.ts';
import { changeSettings } from '../model/settings-change.ts';
import { countsOf } from './counts.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import type { ActivityDependencies } from './dependencies.ts';
import type { OpenMailboxRequest, OpenMailboxResult } from './requests.ts';

/**
 * Asks the store how far the mailbox's sync is. Settings that need a new listing are only compared here; the listing
 * saves them when it begins, so an attempt that dies in between finds the difference again. Settings are replaced only
 * if they are still those that were read, so an abandoned attempt cannot restore older ones.
 */
export async function openMailbox(
  deps: ActivityDependencies<MailboxRegistry & WorkStore & SpentUnits>,
  request: OpenMailboxRequest,
): Promise<OpenMailboxResult> {
  const { store, clock } = deps;
  const { mailbox, named, chain } = request;
  const now = clock.now();
  const before = await store.getMailbox(mailbox);
  const settings = before === null || named === undefined ? request.settings : changeSettings(before.settings, named);
  const needsListing = (known: MailboxRow): boolean =>
    known.fullSync !== null && needsFullSync(known.settings, settings);
  const replaces = before === null ? {} : { replaces: before.settings };
  const row =
    before !== null && needsListing(before)
      ? before
      : await store.putMailbox({ mailbox, settings, ...replaces, ...(chain === undefined ? {} : { chain }), now });
  const step =
    row.fullSync === null
      ? 'none'
      : row.fullSync.step === 'fetching' || row.fullSync.step === 'done'
        ? row.fullSync.step
        : 'listing';
  return {
    ...(await countsOf(deps, mailbox)),
    historyId: row.historyId,
    generation: row.generation,
    step,
    settingsChanged: needsListing(row),
    ...(named === undefined ? {} : { settings }),
  };
}
