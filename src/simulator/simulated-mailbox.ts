import type { Clock } from '../model/clock.ts';
import { notFound } from './api-error.ts';
import { ChangeRecorder } from './change-recorder.ts';
import { HeldMessages, type SeenMessage } from './held-messages.ts';
import { HistoryLog } from './history-log.ts';
import { LabelBook, type SimulatedLabel } from './label-book.ts';
import { NO_LAG, type Lag } from './lag.ts';
import { LaggingReads } from './lagging-reads.ts';
import type { Place, SimulatedMessage } from './simulated-message.ts';
import { newMessageId } from './new-message-id.ts';
import { sourceOf, type NewMail } from './new-mail.ts';
import { Omissions } from './omissions.ts';
import { ONE_PAGE, type Paging } from './paging.ts';
import { Random, seedFor } from './random.ts';
import { impliedRemovals, sorted } from './recorded-change.ts';
import { LabelCounter, type TotalsOff } from './totals.ts';
import { truthOf, type TruthMessage } from './truth.ts';

/**
 * One Gmail mailbox. Its methods are the actions of its owner, senders and administrators. The API is in the routes.
 */
export class SimulatedMailbox {
  /** The account's address; `Simulator.rename` changes it. */
  email: string;
  /** Its labels. */
  readonly labelBook: LabelBook;
  /** The history of the mailbox. */
  readonly log: HistoryLog;
  /** How far parts of Gmail lag behind; change the object in place. */
  readonly lag: Lag = { ...NO_LAG };
  /** How answers are split into pages; change the object in place. */
  readonly paging: Paging = { ...ONE_PAGE };
  /** Messages that listings leave out. */
  readonly omissions = new Omissions();
  /** How the totals that Gmail reports differ from the real ones; change the object in place. */
  readonly totalsOff: TotalsOff = { profile: 0, labels: {}, spamTrash: true };
  /** Counts messages by label. */
  readonly labelTotals = new LabelCounter();
  /** What a raw get answers for messages with the label CHAT. */
  readonly chats: { raw: 'whole' | 'missing' | 'cut' } = { raw: 'whole' };
  /** Message id of each draft, by draft id. */
  readonly drafts = new Map<string, string>();
  /** Decides what Gmail leaves open. */
  readonly random: Random;
  readonly #clock: Clock;
  readonly #held = new HeldMessages();
  readonly #recorder: ChangeRecorder;
  readonly #reads: LaggingReads;
  readonly #poisoned = new Map<string, 400 | 500>();

  /** @internal */
  constructor(options: {
    email: string;
    clock: Clock;
    seed: number;
    onRecord: (mailbox: SimulatedMailbox, labelIds: ReadonlySet<string>) => void;
  }) {
    this.email = options.email;
    this.#clock = options.clock;
    this.random = new Random(seedFor(options.seed, options.email));
    this.labelBook = new LabelBook(options.email);
    this.log = new HistoryLog(this.random);
    const parts = { clock: this.#clock, random: this.random, lag: this.lag, held: this.#held };
    this.#reads = new LaggingReads(parts);
    this.#recorder = new ChangeRecorder({
      ...parts,
      log: this.log,
      onRecord: (labelIds) => options.onRecord(this, labelIds),
    });
  }

  /** The head: the id of the last record. */
  get historyId(): string {
    return this.log.head;
  }

  /** Grows with each change of the mailbox. */
  get revision(): number {
    return this.#recorder.revision;
  }

  /** Messages and threads that exist, spam and trash included. */
  get totals(): { messages: number; threads: number } {
    return this.#held.totals;
  }

  /**
   * Puts a message into the mailbox, as when it arrives.
   *
   * @param mail - the message and its labels
   * @returns the ids that Gmail gives it
   * @throws {ApiError} 400 when a label does not exist
   */
  insert(mail: NewMail): { id: string; threadId: string } {
    this.labelBook.assertKnown(mail.labelIds);
    const internalDate = mail.internalDate ?? this.#clock.now();
    const id = newMessageId(internalDate, this.random, (taken) => this.#held.get(taken) !== undefined);
    const threadId = mail.threadId ?? id;
    this.#recorder.add({ id, threadId, internalDate, source: sourceOf(mail.raw) }, sorted(mail.labelIds));
    return { id, threadId };
  }

  /**
   * Deletes a message for good, without the trash.
   *
   * @param id - the message's
   * @throws {ApiError} 404 when there is no such message
   */
  delete(id: string): void {
    this.deleteAll([this.existing(id).id]);
  }

  /**
   * Deletes messages for good, like messages.batchDelete, with one history record. Unknown ids are skipped, as Gmail
   * does.
   *
   * @param ids - the messages'
   */
  deleteAll(ids: readonly string[]): void {
    this.#recorder.change(
      this.#held.known(ids).map((message) => ({ message, exists: false, labelIds: message.current.labelIds })),
    );
    for (const [draftId, messageId] of this.drafts) if (ids.includes(messageId)) this.drafts.delete(draftId);
  }

  /**
   * Moves a message to the trash.
   *
   * @param id - the message's
   * @throws {ApiError} 404 when there is no such message
   */
  trash(id: string): void {
    this.modify([this.existing(id).id], { add: ['TRASH'] });
  }

  /**
   * Takes a message out of the trash.
   *
   * @param id - the message's
   * @throws {ApiError} 404 when there is no such message
   */
  untrash(id: string): void {
    this.modify([this.existing(id).id], { remove: ['TRASH'] });
  }

  /**
   * Puts labels on a message.
   *
   * @param id - the message's
   * @param labelIds - the labels'
   * @throws {ApiError} 404 when there is no such message, 400 when a label does not exist
   */
  addLabels(id: string, labelIds: readonly string[]): void {
    this.modify([this.existing(id).id], { add: labelIds });
  }

  /**
   * Takes labels off a message.
   *
   * @param id - the message's
   * @param labelIds - the labels'
   * @throws {ApiError} 404 when there is no such message, 400 when a label does not exist
   */
  removeLabels(id: string, labelIds: readonly string[]): void {
    this.modify([this.existing(id).id], { remove: labelIds });
  }

  /**
   * Changes the labels of messages. Makes one history record for all changed messages, and no record when nothing
   * changes.
   *
   * @param ids - the messages'; unknown ones are skipped
   * @param labels - ids of the labels to add and to remove
   * @throws {ApiError} 400 when a label does not exist
   */
  modify(ids: readonly string[], labels: { add?: readonly string[]; remove?: readonly string[] }): void {
    const add = labels.add ?? [];
    const remove = [...(labels.remove ?? []), ...impliedRemovals(add)];
    this.labelBook.assertKnown([...add, ...remove]);
    this.#recorder.change(
      this.#held.known(ids).map((message) => ({
        message,
        exists: true,
        labelIds: sorted([...message.current.labelIds.filter((id) => !remove.includes(id)), ...add]),
      })),
    );
  }

  /**
   * Saves a draft. Each save makes a new message with a new id and deletes the previous message.
   *
   * @param draftId - the draft's; an unknown id makes a new draft
   * @param raw - RFC 822 bytes
   * @returns the ids of the new message
   */
  saveDraft(draftId: string, raw: Uint8Array | string): { id: string; threadId: string } {
    const before = this.#held.get(this.drafts.get(draftId) ?? '');
    const saved = this.insert({ raw, labelIds: ['DRAFT'], threadId: before?.threadId });
    if (before?.current.exists === true) this.delete(before.id);
    this.drafts.set(draftId, saved.id);
    return saved;
  }

  /**
   * Restores a deleted message under its old id, as an administrator can.
   *
   * @param id - the deleted message's
   * @throws {ApiError} 404 when the message exists, or never did
   */
  restore(id: string): void {
    const message = this.#held.get(id);
    if (message === undefined) throw notFound(`message ${id} of ${this.email}`);
    if (message.current.exists) throw notFound(`message ${id}`, `message ${id} of ${this.email} is not deleted`);
    this.#held.relist(message);
    // A label that was deleted meanwhile does not come back with the message.
    const known = new Set(this.labels().map((label) => label.id));
    this.#recorder.change([
      { message, exists: true, labelIds: message.current.labelIds.filter((label) => known.has(label)) },
    ]);
  }

  /**
   * Makes a label.
   *
   * @param name - its name
   * @returns the label with its id
   * @throws {ApiError} 409 when the name is taken
   */
  createLabel(name: string): SimulatedLabel {
    return this.labelBook.create(name);
  }

  /**
   * Renames a label. This leaves no history record, because history knows labels by id.
   *
   * @param id - the label's
   * @param name - its new name
   * @returns the label
   * @throws {ApiError} 404 when there is no such label
   */
  renameLabel(id: string, name: string): SimulatedLabel {
    return this.labelBook.rename(id, name);
  }

  /**
   * Deletes a label and takes it off its messages, with a history record.
   *
   * @param options.silent - makes no record and keeps the messages' historyId: Gmail's documentation promises neither a
   * record nor a new historyId
   * @param id - the label's
   * @throws {ApiError} 404 when there is no such label, 400 when it is one of Gmail's own
   */
  deleteLabel(id: string, { silent = false }: { silent?: boolean } = {}): void {
    this.labelBook.requireUserLabel(id);
    const carriers = this.#held.carrying(id);
    if (silent) for (const message of carriers) this.#recorder.stripSilently(message, id);
    else if (carriers.length > 0)
      this.modify(
        carriers.map((message) => message.id),
        { remove: [id] },
      );
    this.labelBook.remove(id);
  }

  /**
   * From now on, every start id older than the head, or than the last `keepLast` records, is answered with 404.
   *
   * @param options - `keepLast`: how many records stay, 0 unless given
   */
  expireHistory(options: { keepLast?: number } = {}): void {
    this.log.expire(options.keepLast ?? 0);
  }

  /**
   * From now on, every get of the message answers this status; null ends this.
   *
   * @param id - the message's
   * @param status - the HTTP status
   */
  poison(id: string, status: 400 | 500 | null): void {
    if (status === null) this.#poisoned.delete(id);
    else this.#poisoned.set(this.existing(id).id, status);
  }

  /**
   * Says whether a message is poisoned.
   *
   * @param id - the message's
   * @returns the status that a get answers; null when it is not poisoned
   */
  poisonOf(id: string): 400 | 500 | null {
    return this.#poisoned.get(id) ?? null;
  }

  /**
   * What the mailbox really holds, regardless of lag, sorted by id.
   *
   * @param options - `includeSpamTrash`: messages in spam and trash, too; false unless given
   * @returns the messages, with labels and content
   */
  truth(options: { includeSpamTrash?: boolean } = {}): TruthMessage[] {
    return [...truthOf(this.all(), options)];
  }

  /**
   * Its labels.
   *
   * @returns Gmail's own and those that were made
   */
  labels(): SimulatedLabel[] {
    return this.labelBook.all();
  }

  /**
   * Every message that exists, newest first.
   *
   * @returns the messages, one by one
   */
  all(): Generator<SimulatedMessage> {
    return this.#held.all();
  }

  /**
   * Finds a message.
   *
   * @param id - the message's
   * @returns the message
   * @throws {ApiError} 404
   */
  existing(id: string): SimulatedMessage {
    const message = this.#held.get(id);
    if (message === undefined || !message.current.exists) throw notFound(`message ${id} of ${this.email}`);
    return message;
  }

  /**
   * What the listing index shows now, newest first.
   *
   * @param after - where the page before ended
   * @returns the messages, one by one
   */
  listed(after?: Place): Generator<SeenMessage> {
    return this.#reads.listed(after);
  }

  /**
   * What a get reads. With `lag.getMs` it is, with some probability, a stale replica.
   *
   * @param id - the message's
   * @returns the message; null when the replica has none
   */
  read(id: string): SeenMessage | null {
    return this.#reads.message(id);
  }

  /**
   * The messages of a thread as one replica shows them, oldest first.
   *
   * @param threadId - the thread's
   * @returns the messages
   */
  readThread(threadId: string): SeenMessage[] {
    return this.#reads.thread(threadId);
  }

  /**
   * The messages of a thread as they are, in the order of arrival.
   *
   * @param threadId - the thread's
   * @returns the messages
   */
  thread(threadId: string): SimulatedMessage[] {
    return this.#held.thread(threadId).filter((message) => message.current.exists);
  }
}
