/**
 * The types of identifiers. `ids.ts` has their constructors, which are the only way in. The brands vanish at run time.
 */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A mailbox's key everywhere (store, workflow id, CLI): its e-mail address in lower case. */
export type MailboxId = Brand<string, 'MailboxId'>;
/** Gmail's id of a message. */
export type MessageId = Brand<string, 'MessageId'>;
/** Gmail's id of a thread. */
export type ThreadId = Brand<string, 'ThreadId'>;
/** Gmail's id of a label: `INBOX` and its like, or `Label_…` for those that people made. */
export type LabelId = Brand<string, 'LabelId'>;

/**
 * A Gmail history id: an unsigned 64-bit integer in decimal without leading zeros.
 * Never a JavaScript number: ids above 2^53 exist and would be rounded.
 */
export type HistoryId = Brand<string, 'HistoryId'>;
