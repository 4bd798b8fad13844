import type { MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';

export interface Listing {
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  readonly generation: number;
  /**
   * `head`: pin the mailbox's head, since the stored mark has expired. `mark`: continue from the stored mark, if there
   * is one.
   */
  readonly pin: 'head' | 'mark';
}
