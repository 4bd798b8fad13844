import { accountBehind, type Account } from '../gmail/access/account-behind.ts';
import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { Clock } from '../model/clock.ts';
import { isSameAddress } from '../model/address.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import type { MailboxAccounts } from '../store/mailboxes/mailbox-accounts.ts';
import type { MailboxAccount, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';

/** Thrown when a mailbox's credentials open another account, whose answers say nothing about the mailbox. */
export class OtherAccountError extends Error {
  override readonly name = 'OtherAccountError';
  readonly account: Extract<Account, { kind: 'another' }>;
  /** Whether a token provider gave the token. */
  readonly isProvided: boolean;

  constructor(mailbox: MailboxId, account: OtherAccountError['account'], isProvided: boolean) {
    super(`the credentials of ${mailbox} open ${account.address}`);
    this.account = account;
    this.isProvided = isProvided;
  }
}

/**
 * An account may be renamed at any time. A check costs one unit, so one in a thousand is spent to find that. With push,
 * the first change after the renaming finds it: Gmail notifies under the new address, so the change comes without a
 * notification.
 */
const UNITS_BETWEEN_CHECKS = 1_000;
/** Ms after a check during which no other is made. */
const QUIET = 6 * 60 * 60_000;

export interface AccountCheck {
  readonly store: SpentUnits & MailboxAccounts;
  readonly clock: Clock;
  readonly session: Pick<GmailSession, 'getProfile' | 'batchGet'>;
  readonly row: MailboxRow;
  /** The version of the credentials that the session uses. */
  readonly version: number;
  /** The address of the account that a token provider's tokens open; null for stored credentials. */
  readonly opens: MailboxId | null;
}

/**
 * Verifies, before a session is used, that its credentials open the mailbox's account: another account's listing or
 * history would empty the mirror. New credentials are always checked. Known ones are checked again now and then, since
 * the account may have been renamed. A token provider's tokens are checked whenever they open another address.
 *
 * @throws {OtherAccountError} when they open another account
 * @throws {GmailError} when Gmail gives no answer
 */
export async function requireAccount(check: AccountCheck): Promise<void> {
  const { store, clock, session, row, version, opens } = check;
  const { id: mailbox, account: before } = row;
  const isKnown = before?.version === version && (opens === null || isSameAddress(opens, before.address));
  if (before !== null && isKnown && !(await isDueAgain(check, before))) return;
  const account = await accountBehind(session, { mailbox, witnesses: () => store.sampleMessages(mailbox) });
  // If the store holds no message that could decide, the same credentials belong to the same account, whatever its
  // address is now. A provider's tokens may be of any account.
  const isSameGrant =
    before?.version === version && opens === null && account.kind === 'another' && account.asked === 0;
  if (account.kind === 'another' && !isSameGrant) throw new OtherAccountError(mailbox, account, opens !== null);
  const now = clock.now();
  const { address } = account;
  const since = before?.address === address ? before.since : now;
  await store.saveAccount({
    mailbox,
    account: { address, since, version, checkedAt: now, units: await unitsOf(check) },
  });
}

async function isDueAgain(check: AccountCheck, { checkedAt, units, isDoubted }: MailboxAccount): Promise<boolean> {
  // A time in the future was written by a wrong clock and is no reason to wait.
  if (Math.abs(check.clock.now() - checkedAt) < QUIET) return false;
  return isDoubted === true || (await unitsOf(check)) - units >= UNITS_BETWEEN_CHECKS;
}

async function unitsOf({ store, row }: AccountCheck): Promise<number> {
  return (await store.getUsage(row.id)).reduce((sum, { units }) => sum + units, 0);
}

/** For a person: which account the credentials open, how that is known, and what to do. */
export function otherAccountText(mailbox: MailboxId, { account, isProvided }: OtherAccountError): string {
  const { address, asked, found } = account;
  const whose = isProvided ? 'the tokens that the provider gives for' : 'the credentials of';
  const renew = isProvided
    ? `let the provider give the tokens of ${mailbox}'s own account`
    : `have the owner of ${mailbox} consent`;
  if (asked === 0)
    return (
      `${whose} ${mailbox} open ${address}, and no message is stored that could tell whether it is the ` +
      `same account; nothing was changed. Rename the mailbox if it is. If not, ${renew}`
    );
  return (
    `${whose} ${mailbox} open another account, ${address}: ` +
    `${found === 0 ? 'none' : `only ${found}`} of ${asked} stored messages is there; ` +
    `nothing was changed. Now ${renew}`
  );
}

export function otherAccountRemedy(mailbox: MailboxId, { account, isProvided }: OtherAccountError): Remedy {
  if (account.asked === 0)
    return { kind: 'rename', from: mailbox, to: account.address, else: isProvided ? 'ask-again' : 'connect' };
  return isProvided ? { kind: 'ask-again', mailbox, orConnect: false } : { kind: 'connect', mailbox };
}
