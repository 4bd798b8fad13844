import type { MailboxId, MessageId } from '../../model/ids.ts';

/** What happens to a mailbox besides changes of its mail, and a subscription can ask for. */
export type MailboxEvent = {
  readonly mailbox: MailboxId;
  /** Epoch ms. */
  readonly at: number;
} & (
  | {
      /** Its owner has to consent again. `reason`: a sentence for a person, without mail. */
      readonly kind: 'needs-consent';
      readonly reason: string;
    }
  /** It works again after it needed consent or had failed. */
  | { readonly kind: 'recovered' }
  /** Everything that it has at Gmail is stored. */
  | { readonly kind: 'in-sync' }
  /** A message could not be stored, and is left out. */
  | { readonly kind: 'message-failed'; readonly messageId: MessageId; readonly reason: string }
);
