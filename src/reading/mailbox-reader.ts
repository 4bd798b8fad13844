import type { Label } from '../model/change.ts';
import type { LabelId, MailboxId, MessageId, ThreadId } from '../model/ids.ts';
import { labelNamed } from '../model/label-named.ts';
import { epochMs } from '../model/point-in-time.ts';
import { knownOptions, valueAmong, shown, type OptionNames } from '../model/options.ts';
import { CannotDoError, UsageError } from '../model/program-errors.ts';
import type { Bodies } from '../store/bodies/bodies.ts';
import type { StoreDatabase } from '../store/engines/store-database.ts';
import { getLabels } from '../store/listing/label-rows.ts';
import {
  findSummary,
  summariesByDate,
  threadSummaries,
  type DatePlace,
  type MailSummary,
} from '../store/reads/mail-summaries.ts';
import type { Message } from './message.ts';
import type { MessageSource } from './read-message.ts';
import { requireMailbox } from './require-mailbox.ts';

/** Which messages {@link MailboxReader.messages} gives. All conditions must hold. */
export interface MessageQuery {
  /** The name or the id of a label. */
  readonly label?: string;
  /** Only messages that arrived at this time or later: a date, or epoch milliseconds. */
  readonly after?: Date | number;
  /** Only messages that arrived before this time. */
  readonly before?: Date | number;
  /** Only messages of the thread with this id. */
  readonly thread?: string;
  /** By the time of arrival; `newest` first by default. */
  readonly order?: 'newest' | 'oldest';
}

/**
 * Reads the mail of one mailbox. Every method reads what is committed when it is called, and throws `CannotDoError`
 * `mailbox-unknown` when the store does not know the mailbox, and `StoreError` when the database cannot be used.
 */
export interface MailboxReader {
  /**
   * Reads one message.
   *
   * @param id - Gmail's id of it
   * @returns null when the message is not readable: not fetched yet, deleted, or out of scope
   */
  message(id: string): Promise<Message | null>;
  /**
   * Messages in the order of their arrival, page by page. Nothing is held open between two messages, so the loop may
   * take its time. A message that arrives or leaves meanwhile may be given or not; every other message is given once.
   *
   * @param query - which messages, and in which order; all of them, newest first, by default
   * @returns the messages, read while the loop goes on
   * @throws {CannotDoError} `label-unknown` when the mailbox has no such label
   * @throws {UsageError} when a condition is unknown, or has a value that is not allowed
   * @example
   * for await (const { id, subject } of mailbox.messages({ label: 'Invoices' })) console.log({ id, subject });
   */
  messages(query?: MessageQuery): AsyncIterable<Message>;
  /**
   * The readable messages of a thread, oldest first; none when there is no such thread.
   *
   * @param id - Gmail's id of the thread
   * @returns its messages
   */
  thread(id: string): Promise<readonly Message[]>;
  /**
   * The labels of the mailbox, Gmail's own included.
   *
   * @returns the labels as the last sync saw them
   */
  labels(): Promise<readonly Label[]>;
}

/** Rows that are looked at together. */
const WINDOW = 50;
/** The most rows that are looked at together, for a label that few of them carry. */
const WIDEST = 2_000;

export function mailboxReader(database: StoreDatabase, bodies: Bodies, mailbox: MailboxId): MailboxReader {
  const source = async (): Promise<MessageSource> => {
    const key = await requireMailbox(database, mailbox);
    const labels = await getLabels(database, mailbox);
    return { database, bodies, mailbox, key, labels: new Map(labels.map((label) => [label.id, label])) };
  };
  return {
    message: async (id) => {
      const from = await source();
      const summary = await findSummary(database, from.key, messageIdOf(id));
      return summary === null ? null : messageOf(from, summary);
    },
    messages: (query = {}) => messagesOf(source, mailbox, query),
    thread: async (id) => {
      const from = await source();
      const summaries = await threadSummaries(database, from.key, threadIdOf(id));
      return Promise.all(summaries.map((summary) => messageOf(from, summary)));
    },
    labels: async () => [...(await source()).labels.values()],
  };
}

/** The parsers of mail are loaded with the first message, since most commands read no message. */
async function messageOf(source: MessageSource, summary: MailSummary): Promise<Message> {
  const reading = await import('./read-message.ts');
  return reading.messageOf(source, summary);
}

/** Any text may be asked for; a text that is not an id names no message. */
const messageIdOf = (text: string): MessageId => textOf('id', text) as MessageId;
const threadIdOf = (text: string): ThreadId => textOf('id', text) as ThreadId;

function textOf(name: string, value: string): string {
  if (typeof value !== 'string') throw new UsageError(`The ${name} is ${shown(value)}: expected text.`);
  return value;
}

const QUERY: OptionNames<MessageQuery> = { label: true, after: true, before: true, thread: true, order: true };

async function* messagesOf(
  open: () => Promise<MessageSource>,
  mailbox: MailboxId,
  query: MessageQuery,
): AsyncGenerator<Message, void, undefined> {
  const { order = 'newest', thread } = knownOptions('messages', query, QUERY);
  valueAmong(['newest', 'oldest'], 'order', order);
  const [after, before] = [timeOf(query.after), timeOf(query.before)];
  const source = await open();
  const labelId =
    query.label === undefined ? null : labelIdOf(mailbox, [...source.labels.values()], textOf('label', query.label));
  if (thread !== undefined) {
    const summaries = await threadSummaries(source.database, source.key, threadIdOf(thread));
    for (const summary of order === 'newest' ? summaries.toReversed() : summaries) {
      const at = summary.internalDate ?? 0;
      if (labelId !== null && !summary.labelIds.includes(labelId)) continue;
      if ((after === null || at >= after) && (before === null || at < before)) yield await messageOf(source, summary);
    }
    return;
  }
  let window = WINDOW;
  for (let place: DatePlace | null = null; ;) {
    const found: Awaited<ReturnType<typeof summariesByDate>> = await summariesByDate(
      source.database,
      source.key,
      { labelId, after, before, order, window },
      place,
    );
    for (const summary of found.summaries) yield await messageOf(source, summary);
    if (found.next === null) return;
    place = found.next;
    window = found.summaries.length * 8 < window ? Math.min(WIDEST, window * 4) : WINDOW;
  }
}

function labelIdOf(mailbox: MailboxId, labels: readonly Label[], wanted: string): LabelId {
  const label = labelNamed(labels, wanted);
  if (label !== undefined) return label.id;
  throw new CannotDoError(
    'label-unknown',
    `${mailbox} has no label "${wanted}" in the store. It has ${namesOf(labels)}.`,
    { mailbox },
  );
}

/** A mailbox may have thousands of labels: a message names no more than these. */
const SHOWN_NAMES = 20;

function namesOf(labels: readonly Label[]): string {
  if (labels.length === 0) return 'none: its labels are not listed yet';
  const names = labels.slice(0, SHOWN_NAMES).map(({ name }) => `"${name}"`);
  const more = labels.length > SHOWN_NAMES ? ` and ${labels.length - SHOWN_NAMES} more` : '';
  return `${names.join(', ')}${more}`;
}

const timeOf = (time: Date | number | undefined): number | null => (time === undefined ? null : epochMs(time));
