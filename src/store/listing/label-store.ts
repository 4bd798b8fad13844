import type { Label } from '../../model/change.ts';
import type { LabelId, MailboxId, MessageId } from '../../model/ids.ts';

/** What a labels.list shows beside names. */
export interface SavedLabels {
  /** How many labels got another name, or are new. */
  readonly changed: number;
  /**
   * Labels about which Gmail should be asked now whether they are gone. {@link LabelStore.keepLabel} and
   * {@link LabelStore.removeLabel} take the answer.
   */
  readonly unlisted: readonly LabelId[];
  /**
   * Labels that were named some minutes ago, for the first time or after labels.list had left them out. An earlier
   * listing may have passed them over, so each is to be listed once.
   */
  readonly fresh: readonly LabelId[];
  /**
   * Labels that are not named, and were found gone or were never named. If one of them exists, it is to be listed, too.
   */
  readonly passedOver: readonly LabelId[];
}

/** The labels of a mailbox, and which messages carry them. */
export interface LabelStore {
  /**
   * Saves the names of labels from `labels.list`. A label that labels.list does not name stays, since a single answer
   * may be wrong.
   */
  saveLabels(request: { mailbox: MailboxId; labels: readonly Label[]; now: number }): Promise<SavedLabels>;
  /** Whether {@link LabelStore.saveLabels} would save nothing and answer with nothing to ask about or to list. */
  knowsLabels(request: { mailbox: MailboxId; labels: readonly Label[]; now: number }): Promise<boolean>;
  /** Schedules another read of the labels of those messages that are held without this label. */
  readAgainWithout(request: {
    mailbox: MailboxId;
    labelId: LabelId;
    messageIds: readonly MessageId[];
    now: number;
  }): Promise<void>;
  /**
   * Records that Gmail has this label. If labels.list does not name the label, Gmail is asked about it again later,
   * ever more rarely. A fresh label needs no more questions.
   */
  keepLabel(request: { mailbox: MailboxId; labelId: LabelId; now: number }): Promise<void>;
  /**
   * Removes a label that is gone: its name, and the label from every message. Gmail is asked about the label again for
   * two days, because changes that were under way (replayed history, a get) may bring it back. A message that leaves
   * the scope with its label becomes `excluded`, and its body stays. While a listing is under way, that happens at the
   * listing's end.
   */
  removeLabel(request: { mailbox: MailboxId; labelId: LabelId; now: number }): Promise<{ relabelled: number }>;
  getLabels(mailbox: MailboxId): Promise<readonly Label[]>;
  /** The labels of these messages, sorted. */
  labelsOf(request: {
    mailbox: MailboxId;
    messageIds: readonly MessageId[];
  }): Promise<ReadonlyMap<MessageId, readonly LabelId[]>>;
  /** The labels that messages carry, whether labels.list names them or not. */
  heldLabelIds(mailbox: MailboxId): Promise<readonly LabelId[]>;
}
