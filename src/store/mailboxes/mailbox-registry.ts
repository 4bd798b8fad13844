import type { StoreIdentity } from '../../model/store-identity.ts';
import type { MailboxId } from '../../model/ids.ts';
import type { MailboxSettings } from '../../model/settings.ts';
import type { Condition, Conditions, Doubt, MailboxRow, MailboxWatch } from '../rows/mailbox-row.ts';

/** The mailboxes of the store, and what it keeps about each as a whole. */
export interface MailboxRegistry {
  /**
   * Creates the mailbox, or changes the settings of an existing one. Rows follow changed settings when the next
   * generation's listing ends.
   *
   * @param request.replaces - the settings are changed only while they are still these, since the caller may be an
   * abandoned attempt
   * @param request.chain - the first run id of the calling workflow. Once this workflow was removed together with the
   * mailbox, the call fails with `lost` instead of creating the mailbox again
   * @returns the mailbox after the change
   */
  putMailbox(request: {
    mailbox: MailboxId;
    settings: MailboxSettings;
    replaces?: MailboxSettings;
    chain?: string;
    now: number;
  }): Promise<MailboxRow>;
  /** null when the store does not know the mailbox. */
  getMailbox(mailbox: MailboxId): Promise<MailboxRow | null>;
  listMailboxes(): Promise<readonly MailboxRow[]>;
  /** Which database this is, and whose mailboxes it took over. */
  identity(): Promise<StoreIdentity>;
  /**
   * Saves a lane's last failure, and until when Gmail asked it to wait, for the operator. The other lane's condition
   * stays.
   */
  noteCondition(request: { mailbox: MailboxId; lane: keyof Conditions; condition: Condition | null }): Promise<void>;
  /** Saves the state of Gmail's watch on the mailbox; null when it was stopped. */
  saveWatch(request: { mailbox: MailboxId; watch: MailboxWatch | null }): Promise<void>;
  /**
   * Saves what is doubted (null: nothing) and when the relisting is due. Does nothing when the generation is not the
   * stored one.
   *
   * @param request.replaces - the doubt that the caller had read. Nothing is saved if another one is stored by now,
   * since both lanes doubt listings
   * @returns whether it was saved
   */
  saveDoubt(request: {
    mailbox: MailboxId;
    generation: number;
    replaces: Doubt | null;
    doubt: Doubt | null;
    relistAt: number | null;
  }): Promise<boolean>;
  /**
   * Notes that the scope holds more messages than its limit, though the listing of this generation showed fewer.
   * `floor`: the date of the last message within the limit (epoch ms); null where it is not known.
   */
  noteLimitReached(request: {
    mailbox: MailboxId;
    generation: number;
    floor: number | null;
    now: number;
  }): Promise<void>;
  /** Sets the time of the relisting; null when none is due any more. */
  setRelistAt(request: { mailbox: MailboxId; generation: number; relistAt: number | null }): Promise<void>;
}
