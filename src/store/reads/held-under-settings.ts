import type { MailboxId } from '../../model/ids.ts';
import { inScope, wantsAttachments, type MailboxSettings } from '../../model/settings.ts';
import type { HeldUnderSettings } from '../../model/settings-preview.ts';
import type { StoreDatabase } from '../engines/store-database.ts';
import { storedDate } from '../engines/safe-integer.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import { parseLabelIds, toFormat, toLacking } from '../rows/message-columns.ts';
import { isComplete } from '../rules/row-scope.ts';

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
const HELD = new Set(['stored', 'pending', 'failed']);

/** See {@link SettingsPreviews.heldUnder}. */
export async function heldUnder(
  database: StoreDatabase,
  { mailbox, before, after }: Parameters<SettingsPreviews['heldUnder']>[0],
): Promise<HeldUnderSettings> {
  const key = await mailboxKey(database, mailbox);
  const keepsScope = JSON.stringify(before.scope) === JSON.stringify(after.scope);
  let held = 0;
  const inside: KnownRow[] = [];
  for (let from = ''; ;) {
    const page = await knownRows(database, key, from);
    for (const row of page) {
      if (HELD.has(row.state)) held += 1;
      if (keepsScope ? HELD.has(row.state) : isUnread(row) || inScope(after.scope, scoped(row))) inside.push(row);
    }
    const last = page.at(-1);
    if (last === undefined) break;
    from = last.id;
    await database.breathe();
  }
  const known = keepsScope ? inside : withinLimit(inside, after.scope.limit);
  const isHeld = ({ state }: KnownRow): boolean => HELD.has(state);
  return {
    held,
    leaving: held - known.filter(isHeld).length,
    known: known.length,
    ...toFetch(known, after),
  };
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

/** A message that was only listed: nothing is known by which it would leave. */
const isUnread = ({ state, internal_date: date, label_ids: labels }: KnownRow): boolean =>
  state === 'pending' && date === null && parseLabelIds(labels).length === 0;

const scoped = (row: KnownRow) => ({
  labelIds: parseLabelIds(row.label_ids),
  internalDate: storedDate(row.internal_date),
});

/** A new listing takes only the newest of them. */
function withinLimit(rows: readonly KnownRow[], limit: number | null): readonly KnownRow[] {
  if (limit === null || rows.length <= limit) return rows;
  return rows.toSorted((a, b) => (b.internal_date ?? 0) - (a.internal_date ?? 0)).slice(0, limit);
}

/** Rows that are to be fetched already are not counted: the change does not cause that. */
function toFetch(rows: readonly KnownRow[], after: MailboxSettings): Pick<HeldUnderSettings, 'whole' | 'attachments'> {
  const wanted = { format: after.format, attachments: wantsAttachments(after) };
  let [whole, attachments] = [0, 0];
  for (const row of rows) {
    if (row.state !== 'stored' && row.state !== 'excluded') continue;
    const format = toFormat(row.format);
    if (isComplete({ format, attachmentsHeld: row.attachments_held === 1, lacks: toLacking(row.lacks) }, wanted))
      continue;
    if (format === 'full' && wanted.format === 'full') attachments += 1;
    else whole += 1;
  }
  return { whole, attachments };
}
