import type { Label } from '../../model/change.ts';
import type { LabelId, MailboxId, MessageId } from '../../model/ids.ts';

/** The labels of a mailbox, and which messages carry them. */
export interface LabelStore {
  /**
   * Names of labels follow `labels.list`. One that it does not name stays: that may be one odd answer. `unlisted` are
   * those of which Gmail should be asked now whether they are gone ({@link LabelStore.keepLabel} and {@link
   * LabelStore.removeLabel} take the answer). `fresh` are those that were named for the first time some minutes ago: an
   * earlier listing may have passed them over, so they are to be listed once. `gone` are those that were called gone,
   * and are not named: one of them that exists after all is to be listed, too.
   */
  saveLabels(request: {
    mailbox: MailboxId;
    labels: readonly Label[];
    now: number;
  }): Promise<{ changed: number; unlisted: readonly LabelId[]; fresh: readonly LabelId[]; gone: readonly LabelId[] }>;
  /** Of these messages, those that are held without the label are read again. */
  readAgainWithout(request: {
    mailbox: MailboxId;
    labelId: LabelId;
    messageIds: readonly MessageId[];
    now: number;
  }): Promise<void>;
  /**
   * Gmail has this label: one that labels.list does not name is asked about again later, ever more rarely; a fresh one
   * no more.
   */
  keepLabel(request: { mailbox: MailboxId; labelId: LabelId; now: number }): Promise<void>;
  /**
   * A label is gone: its name, and the label off every message. For two days Gmail is to be asked about it again: what
   * was on its way (history that is replayed, a get) may bring it back. A message that leaves the scope by that becomes
   * `excluded`, its body held: at the listing's end, while there is one.
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
