import { sql, type ExpressionBuilder } from 'kysely';
import type { AuditStore } from './audit-store.ts';
import type { RequestOf } from '../engines/request-of.ts';
import type { LabelId, MessageId } from '../../model/ids.ts';
import { bulkInsert } from '../engines/bulk-insert.ts';
import { toHistoryIdText } from '../engines/history-id-text.ts';
import { mailboxKey } from '../rows/mailbox-rows.ts';
import type { Drift } from '../rows/mailbox-row.ts';
import { withMailbox } from '../engines/mailbox-transaction.ts';
import { parseLabelIds } from '../rows/message-columns.ts';
import { DECIDED_STATES, sameLabelIds, sortedLabelIds } from '../rules/message-row.ts';
import type { Schema } from '../engines/schema.ts';
import type { StoreDatabase } from '../engines/store-database.ts';

const LISTINGS = {
  table: 'audit_listings',
  columns: ['mailbox_key', 'audit', 'message_id', 'label_id'],
  key: ['mailbox_key', 'audit', 'message_id', 'label_id'],
  onConflict: 'ignore',
} as const;

/**
 * Ids are never empty, so an empty label id stands for the scope's listing, and an empty message id for the record that
 * an audit has begun.
 */
const SCOPE = '';
const SIGN = '';
const PAGE = 1_000;

/** See {@link AuditStore.beginAudit}. */
export function beginAudit(
  database: StoreDatabase,
  { mailbox, audit }: RequestOf<AuditStore, 'beginAudit'>,
): Promise<void> {
  return withMailbox(database, mailbox, async ({ tx, key }) => {
    await tx.deleteFrom('audit_listings').where('mailbox_key', '=', key).execute();
    await bulkInsert(tx, LISTINGS, [[key, audit, SIGN, SCOPE]]);
  });
}

/** See {@link AuditStore.saveAuditPage}. */
export function saveAuditPage(database: StoreDatabase, request: RequestOf<AuditStore, 'saveAuditPage'>): Promise<void> {
  const { mailbox, audit, labelId, messageIds } = request;
  return withMailbox(database, mailbox, ({ tx, key }) =>
    bulkInsert(
      tx,
      LISTINGS,
      messageIds.map((id) => [key, audit, id, labelId ?? SCOPE]),
    ),
  );
}

/** See {@link AuditStore.compareAudit}. */
export async function compareAudit(
  database: StoreDatabase,
  request: RequestOf<AuditStore, 'compareAudit'>,
): Promise<Drift & { checked: number }> {
  const { audit, limit } = request;
  const key = await mailboxKey(database, request.mailbox);
  const since = toHistoryIdText(request.since);

  const missing = await database.read((db) =>
    db
      .selectFrom('audit_listings as listed')
      .leftJoin('messages', (join) =>
        join.onRef('messages.mailbox_key', '=', 'listed.mailbox_key').onRef('messages.id', '=', 'listed.message_id'),
      )
      .select('listed.message_id')
      .where('listed.mailbox_key', '=', key)
      .where('listed.audit', '=', audit)
      .where('listed.label_id', '=', SCOPE)
      .where('listed.message_id', '!=', SIGN)
      .where((eb) =>
        eb.or([eb('messages.id', 'is', null), eb.and([eb('messages.state', '=', 'gone'), unchanged(eb, since)])]),
      )
      .limit(limit)
      .execute(),
  );
  const extra = await database.read((db) =>
    db
      .selectFrom('messages')
      .select('messages.id')
      .where('messages.mailbox_key', '=', key)
      .where('messages.state', '=', 'stored')
      .where((eb) => unchanged(eb, since))
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('audit_listings')
              .select('audit_listings.message_id')
              .where('audit_listings.mailbox_key', '=', key)
              .where('audit_listings.audit', '=', audit)
              .whereRef('audit_listings.message_id', '=', 'messages.id')
              .where('audit_listings.label_id', '=', SCOPE),
          ),
        ),
      )
      .limit(limit)
      .execute(),
  );
  const { checked, differing } = await compareLabels(database, { key, audit, since, limit });
  return {
    checked,
    missing: missing.map((row) => row.message_id as MessageId),
    extra: extra.map((row) => row.id as MessageId),
    differing,
  };
}

/** Whether a row has no work under way: it has not changed since the mark and does not wait for its labels. */
function unchanged(eb: ExpressionBuilder<Schema, 'messages'>, since: string) {
  return eb.and([
    eb.or([eb('messages.history_id', 'is', null), eb('messages.history_id', '<=', since)]),
    eb.or([eb('messages.reading_history_id', 'is', null), eb('messages.reading_history_id', '<=', since)]),
    eb('messages.refresh_at', 'is', null),
  ]);
}

/** Compares page by page in the order of ids, so that memory is bounded and the process's other work gets its turn. */
async function compareLabels(
  database: StoreDatabase,
  { key, audit, since, limit }: { key: number; audit: number; since: string; limit: number },
) {
  const differing: MessageId[] = [];
  let checked = 0;
  for (let after = SIGN; ;) {
    const cursor = after;
    const page = await database.read((db) =>
      db
        .selectFrom('audit_listings')
        .select(['message_id', database.dialect.joinedLines('label_id').as('label_ids')])
        .where('mailbox_key', '=', key)
        .where('audit', '=', audit)
        .where('message_id', '>', cursor)
        .groupBy('message_id')
        .orderBy('message_id')
        .limit(PAGE)
        .execute(),
    );
    const last = page.at(-1);
    if (last === undefined) return { checked, differing };
    const rows = await database.read((db) =>
      db
        .selectFrom('messages')
        .select(['messages.id', 'messages.label_ids'])
        .where('messages.mailbox_key', '=', key)
        .where('messages.id', '>', cursor)
        .where('messages.id', '<=', last.message_id)
        .where('messages.state', 'in', DECIDED_STATES)
        .where((eb) => unchanged(eb, since))
        .execute(),
    );
    const held = new Map(rows.map((row) => [row.id, parseLabelIds(row.label_ids)]));
    for (const { message_id: id, label_ids: text } of page) {
      const labels = text.split('\n');
      const mine = held.get(id);
      // Only a label's listing showed it, so it is outside the scope and not all of its labels are known.
      if (mine === undefined || !labels.includes(SCOPE)) continue;
      checked += 1;
      const listed = sortedLabelIds(labels.filter((label) => label !== SCOPE) as LabelId[]);
      if (!sameLabelIds(listed, sortedLabelIds(mine)) && differing.length < limit) differing.push(id as MessageId);
    }
    after = last.message_id;
    await database.breathe();
  }
}

/** See {@link AuditStore.saveAudit}. */
export function saveAudit(
  database: StoreDatabase,
  { mailbox, audit, result }: RequestOf<AuditStore, 'saveAudit'>,
): Promise<void> {
  return withMailbox(database, mailbox, async (locked) => {
    const { tx, key } = locked;
    const sign = await tx
      .selectFrom('audit_listings')
      .select(sql<number>`1`.as('found'))
      .where('mailbox_key', '=', key)
      .where('audit', '=', audit)
      .where('message_id', '=', SIGN)
      .executeTakeFirst();
    // Another audit has begun and removed what this abandoned one listed, so its result is worthless.
    if (sign === undefined) return;
    await tx.deleteFrom('audit_listings').where('mailbox_key', '=', key).execute();
    await locked.updateMailbox({ audit: JSON.stringify(result) });
  });
}
