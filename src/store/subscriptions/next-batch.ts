import type { Kysely } from 'kysely';
import type { Change } from '../../model/change.ts';
import type { LabelId, MailboxId } from '../../model/ids.ts';
import { labelsMeant } from '../../model/label-named.ts';
import type { SubscribedEvent } from '../../model/subscribed-event.ts';
import {
  asksTexts,
  matchesChange,
  matchesEvent,
  type ChangeFilter,
  type MessageTexts,
} from '../../model/subscription.ts';
import type { StoreDialect } from '../engines/dialect.ts';
import type { Schema } from '../engines/schema.ts';
import { toChange } from '../rows/change-columns.ts';
import { changesAfter } from '../rows/change-rows.ts';
import { eventsAfter } from '../rows/event-rows.ts';
import { GONE_LABEL } from '../rows/label-columns.ts';
import type { DeliveryPlace } from './delivery-store.ts';

/** Changes that are compared with a filter at a time, and the most in one search. */
const PAGE = 1_000;
const MOST = 10 * PAGE;

export interface SearchedMailbox {
  readonly mailbox: MailboxId;
  readonly key: number;
}

export interface FoundBatch {
  readonly changes: readonly Change[];
  /** The event that is delivered next; null when changes come next, or nothing. An event is a delivery of its own. */
  readonly event: SubscribedEvent | null;
  /** Everything up to this place was compared, and is found or not asked for. `event` itself is not passed. */
  readonly passed: DeliveryPlace;
  /** False when the search ended before the end of the feed and before the batch was full. */
  readonly isWhole: boolean;
}

export interface Search {
  readonly filter: ChangeFilter;
  readonly after: DeliveryPlace;
  /**
   * The mailbox's newest change and event, read before the search: everything up to them is committed, and its order is
   * known.
   */
  readonly head: DeliveryPlace;
  readonly size: number;
}

/** What comes next after a place and passes a filter: changes up to the next event, at most `size`, or that event. */
export async function nextBatch(
  db: Kysely<Schema>,
  dialect: StoreDialect,
  searched: SearchedMailbox,
  { filter, after, head, size }: Search,
): Promise<FoundBatch> {
  const events = new NextEvents(filter, after.event, await newEvents(db, searched, after, head.event));
  const labels = await labelsOf(db, searched.key, filter);
  const changes: Change[] = [];
  let sequence = after.sequence;
  const found = (isWhole: boolean, event: SubscribedEvent | null = null): FoundBatch => {
    const passed = { sequence, event: events.passed };
    return { changes, event: changes.length === 0 ? event : null, passed, isWhole: isWhole || changes.length > 0 };
  };
  const last = sequence + MOST;
  while (sequence < last) {
    const read = await changesAfter(db, searched, sequence, PAGE);
    const page = read.filter((change) => change.sequence <= head.sequence);
    const texts = asksTexts(filter) ? await textsOf(db, dialect, searched.key, page) : new Map<string, MessageTexts>();
    for (const change of page) {
      const event = events.before(change.sequence);
      if (event !== null) return found(true, event);
      if (events.isCut) return found(false);
      sequence = change.sequence;
      if (matchesChange(filter, change, { texts: texts.get(change.messageId) ?? null, labels })) changes.push(change);
      if (changes.length === size) return found(true);
    }
    if (page.length < PAGE) {
      const event = events.before(Infinity);
      return found(event !== null || !events.isCut, event);
    }
  }
  return found(false);
}

/** The ids of the labels that a filter names; null, without a read, when it names none. */
async function labelsOf(
  db: Kysely<Schema>,
  key: number,
  { labels: wanted }: ChangeFilter,
): Promise<ReadonlySet<string> | null> {
  if (wanted === null) return null;
  const rows = await db.selectFrom('labels').select(['id', 'name', 'type']).where('mailbox_key', '=', key).execute();
  const labels = rows.map(({ id, ...label }) => ({ ...label, id: id as LabelId }));
  const present = labels.filter(({ type }) => type !== GONE_LABEL);
  return labelsMeant({ present, gone: labels.filter(({ type }) => type === GONE_LABEL) }, wanted);
}

async function newEvents(
  db: Kysely<Schema>,
  searched: SearchedMailbox,
  after: DeliveryPlace,
  head: number,
): Promise<readonly SubscribedEvent[]> {
  if (after.event >= head) return [];
  return (await eventsAfter(db, searched, after.event, PAGE)).filter(({ number }) => number <= head);
}

/** The events of a search, passed one after the other. */
class NextEvents {
  readonly #filter: ChangeFilter;
  readonly #events: readonly SubscribedEvent[];
  #next = 0;
  /** The number of the last event that was passed. */
  passed: number;

  constructor(filter: ChangeFilter, passed: number, events: readonly SubscribedEvent[]) {
    this.#filter = filter;
    this.#events = events;
    this.passed = passed;
  }

  /** Whether a whole page of events was passed, so that there may be more. */
  get isCut(): boolean {
    return this.#next === PAGE;
  }

  /** The next event that is asked for and happened before a change; passes those that are not asked for. */
  before(sequence: number): SubscribedEvent | null {
    for (;;) {
      const event = this.#events[this.#next];
      if (event === undefined || event.after >= sequence) return null;
      if (matchesEvent(this.#filter, event)) return event;
      this.passed = event.number;
      this.#next += 1;
    }
  }
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
