import { InvalidIdError, mailboxId, type MailboxId } from './ids.ts';

/** One domain under two names: https://support.google.com/mail/answer/10313 */
const GMAIL = ['gmail.com', 'googlemail.com'] as const;

/**
 * Whether two addresses belong to one account by Google's rules: case is ignored, gmail.com and googlemail.com are the
 * same domain, and dots before those domains are ignored (https://support.google.com/mail/answer/7436150).
 */
export function isSameAddress(a: string, b: string): boolean {
  return canonical(a) === canonical(b);
}

/** The same address under Gmail's other domain name; null for an address of another domain. */
export function twinOf(mailbox: MailboxId): MailboxId | null {
  const [name = '', domain] = mailbox.split('@');
  if (domain !== GMAIL[0] && domain !== GMAIL[1]) return null;
  return mailboxId(`${name}@${domain === GMAIL[0] ? GMAIL[1] : GMAIL[0]}`);
}

/**
 * Whether a notification that names `address` finds the workflow of `mailbox`: under the address itself, or under its
 * twin.
 */
export function isReachedAs(mailbox: MailboxId, address: MailboxId): boolean {
  return mailbox === address || twinOf(mailbox) === address;
}

/** The address of a mailbox's account, if notifications under that address do not find the mailbox; otherwise null. */
export function otherAddressOf(mailbox: MailboxId, account: { readonly address: MailboxId } | null): MailboxId | null {
  return account === null || isReachedAs(mailbox, account.address) ? null : account.address;
}

/** The address, or null when `text` is not one. */
export function addressIn(text: string): MailboxId | null {
  try {
    return mailboxId(text);
  } catch (error) {
    if (error instanceof InvalidIdError) return null;
    throw error;
  }
}

function canonical(address: string): string {
  const [name = '', domain = ''] = address.trim().toLowerCase().split('@');
  return GMAIL.some((each) => each === domain) ? `${name.replaceAll('.', '')}@${GMAIL[0]}` : `${name}@${domain}`;
}
