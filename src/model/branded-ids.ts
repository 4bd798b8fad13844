/**
 * The types of identifiers. `ids.ts` has their constructors, which are the only way in. The brands vanish at run time.
 */

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** A mailbox's key everywhere (store, workflow id, CLI): its e-mail address in lower case. */
export type MailboxId = Brand<string, 'MailboxId'>;
export type MessageId = Brand<string, 'MessageId'>;
export type ThreadId = Brand<string, 'ThreadId'>;
export type LabelId = Brand<string, 'LabelId'>;

/**
 * A Gmail history id: an unsigned 64-bit integer in decimal without leading zeros.
 * Never a JavaScript number: ids above 2^53 exist and would be rounded.
 */
export type HistoryId = Brand<string, 'HistoryId'>;
