import type { MailboxId } from '../../model/ids.ts';
import { inScope, isSameScope, wantsAttachments, type MailboxSettings } from '../../model/settings.ts';
import type { HeldUnderSettings } from '../../model/settings-preview.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { storedDate } from '../engines/safe-integer.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import { parseLabelIds, toFormat, toLacking } from '../rows/message-columns.ts';
import { isComplete } from '../rules/row-scope.ts';
import { HELD_STATES, isDecided } from '../rules/message-row.ts';

/** Asks the store what other settings would do to the messages that it knows. */
export interface SettingsPreviews {
  /** Reads every row of the mailbox once, in pages, and changes nothing. */
  heldUnder(request: {
    readonly mailbox: MailboxId;
    readonly before: MailboxSettings;
    readonly after: MailboxSettings;
  }): Promise<HeldUnderSettings>;
}

const PAGE = 5_000;

/** See {@link SettingsPreviews.heldUnder}. A limit takes away nothing that is already held or listed. */
export async function heldUnder(
  database: StoreDatabase,
  { mailbox, before, after }: Parameters<SettingsPreviews['heldUnder']>[0],
): Promise<HeldUnderSettings> {
  const key = await mailboxKey(database, mailbox);
  const keepsScope = isSameScope(before.scope, after.scope);
  let held = 0;
  const inside: KnownMessage[] = [];
  for (let from = ''; ;) {
    const page = await knownRows(database, key, from);
    for (const row of page) {
      const isHeld = HELD_STATES.includes(row.state);
      if (isHeld) held += 1;
      if (keepsScope ? isHeld : isUnread(row) || inScope(after.scope, scoped(row)))
        inside.push({ isHeld, fetched: fetchedOf(row, after) });
    }
    const last = page.at(-1);
    if (last === undefined) break;
    from = last.id;
    await database.breathe();
  }
  const count = (wanted: (message: KnownMessage) => boolean): number => inside.filter(wanted).length;
  return {
    held,
    leaving: held - count(({ isHeld }) => isHeld),
    known: inside.length,
    whole: count(({ fetched }) => fetched === 'whole'),
    attachments: count(({ fetched }) => fetched === 'attachments'),
  };
}

/** What is kept of each row until all rows are read. It is small, since a mailbox may have millions. */
interface KnownMessage {
  readonly isHeld: boolean;
  /** Which part of it the change of settings fetches again. */
  readonly fetched: 'whole' | 'attachments' | null;
}

type KnownRow = Awaited<ReturnType<typeof knownRows>>[number];

function knownRows(database: StoreDatabase, key: number, after: string) {
  return database.read((db) =>
    db
      .selectFrom('messages')
      .select(['id', 'label_ids', 'internal_date', 'state', 'format', 'attachments_held', 'lacks'])
      .where('mailbox_key', '=', key)
      .where('state', '<>', 'gone')
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  );
}

/** A message that was only listed: nothing is known that would put it out of scope. */
const isUnread = ({ state, internal_date: date, label_ids: labels }: KnownRow): boolean =>
  state === 'pending' && date === null && parseLabelIds(labels).length === 0;

const scoped = (row: KnownRow) => ({
  labelIds: parseLabelIds(row.label_ids),
  internalDate: storedDate(row.internal_date),
});

/** Also null for a row that already waits for a fetch, since the change of settings does not cause that fetch. */
function fetchedOf(row: KnownRow, after: MailboxSettings): KnownMessage['fetched'] {
  if (!isDecided(row)) return null;
  const wanted = { format: after.format, attachments: wantsAttachments(after) };
  const format = toFormat(row.format);
  if (isComplete({ format, attachmentsHeld: row.attachments_held === 1, lacks: toLacking(row.lacks) }, wanted))
    return null;
  return format === 'full' && wanted.format === 'full' ? 'attachments' : 'whole';
}
