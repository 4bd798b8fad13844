import type { Kysely } from 'kysely';
import type { Change } from '../../model/change.ts';
import type { MailboxId } from '../../model/ids.ts';
import { asksTexts, matchesChange, type ChangeFilter, type MessageTexts } from '../../model/subscription.ts';
import type { StoreDialect } from '../engines/dialect.ts';
import type { Schema } from '../engines/schema.ts';
import { toChange } from '../rows/change-columns.ts';
import { changesAfter } from '../rows/change-rows.ts';

/** Changes that are compared with a filter at a time, and the most in one search. */
const PAGE = 1_000;
const MOST = 10 * PAGE;

export interface SearchedMailbox {
  readonly mailbox: MailboxId;
  readonly key: number;
}

export interface FoundBatch {
  readonly changes: readonly Change[];
  /** Everything up to it was compared, and is in `changes` or not asked for. */
  readonly passed: number;
  /** False when the search ended before the end of the feed and before the batch was full. */
  readonly isWhole: boolean;
}

/** The next changes after a sequence that pass a filter, at most `size`. */
export async function nextBatch(
  db: Kysely<Schema>,
  dialect: StoreDialect,
  { mailbox, key }: SearchedMailbox,
  { filter, after, size }: { readonly filter: ChangeFilter; readonly after: number; readonly size: number },
): Promise<FoundBatch> {
  const changes: Change[] = [];
  let passed = after;
  const last = after + MOST;
  while (passed < last) {
    const page = await changesAfter(db, { mailbox, key }, passed, PAGE);
    const texts = asksTexts(filter) ? await textsOf(db, dialect, key, page) : new Map<string, MessageTexts>();
    for (const change of page) {
      passed = change.sequence;
      if (matchesChange(filter, change, texts.get(change.messageId) ?? null)) changes.push(change);
      if (changes.length === size) return { changes, passed, isWhole: true };
    }
    if (page.length < PAGE) return { changes, passed, isWhole: true };
  }
  return { changes, passed, isWhole: changes.length > 0 };
}

/** The changes with these sequences. */
export async function changesAt(
  db: Kysely<Schema>,
  dialect: StoreDialect,
  { mailbox, key }: SearchedMailbox,
  sequences: readonly number[],
): Promise<readonly Change[]> {
  const rows = await db
    .selectFrom('changes')
    .selectAll()
    .where('mailbox_key', '=', key)
    .where(dialect.isOneOfIntegers('sequence', sequences))
    .orderBy('sequence')
    .execute();
  return rows.map((row) => toChange(mailbox, row));
}

async function textsOf(
  db: Kysely<Schema>,
  dialect: StoreDialect,
  key: number,
  changes: readonly Change[],
): Promise<ReadonlyMap<string, MessageTexts>> {
  const rows = await db
    .selectFrom('message_headers')
    .select(['message_id', 'subject', 'from_name', 'from_address'])
    .where('mailbox_key', '=', key)
    .where(
      dialect.isOneOf(
        'message_id',
        changes.map(({ messageId }) => messageId),
      ),
    )
    .execute();
  return new Map(
    rows.map((row) => [
      row.message_id,
      { subject: row.subject, from: `${row.from_name ?? ''} <${row.from_address ?? ''}>` },
    ]),
  );
}
