import { addressIn, isSameAddress } from '../../model/address.ts';
import type { MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import { gmailError } from '../api/classify.ts';
import type { FetchOutcome, GmailApi } from '../api/gmail-api.ts';
import type { GmailError } from '../api/gmail-error.ts';

/**
 * A stored message that can identify the account. Gmail draws ids per mailbox, so another account answers 404 for the
 * message.
 */
export interface Witness {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  /** Epoch ms; null when Gmail never gave one. */
  readonly internalDate: number | null;
}

/** The account that a token opens, and whether it is the mailbox's account. */
export type Account =
  /** `by`: recognised by its address, or under another address by messages that it shares with the store. */
  | { readonly kind: 'same'; readonly address: MailboxId; readonly by: 'address' | 'messages' }
  /**
   * Another address, and only `found` of the `asked` messages exist there. `asked` is 0 when the store holds no
   * message.
   */
  | { readonly kind: 'another'; readonly address: MailboxId; readonly asked: number; readonly found: number };

/** How many messages prove the account. One is not enough, since two mailboxes may share an id by chance. */
const PROOF = 2;

/**
 * Decides whether the account behind a token is a mailbox's account. It is if the profile has the mailbox's address (1
 * unit). Otherwise the account was renamed or is another one, and MINIMAL gets of stored messages decide (20 units
 * each): two messages with the stored thread and date prove the same account (one, if only one is held). A refused get
 * decides nothing.
 *
 * @param request.witnesses - loads some stored messages; called only when the address differs
 * @throws {GmailError} when Gmail does not answer, or refuses a message that would have decided
 */
export async function accountBehind(
  gmail: Pick<GmailApi, 'getProfile' | 'batchGet'>,
  request: {
    readonly mailbox: MailboxId;
    readonly witnesses: () => Promise<readonly Witness[]>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Account> {
  const { mailbox, signal } = request;
  const address = addressIn((await gmail.getProfile(signal)).emailAddress);
  if (address === null)
    throw gmailError(mailbox, 'getProfile', {
      kind: 'unavailable',
      status: 200,
      detail: 'the profile names no address',
    });
  if (isSameAddress(address, mailbox)) return { kind: 'same', address, by: 'address' };

  const witnesses = await request.witnesses();
  if (witnesses.length === 0) return { kind: 'another', address, asked: 0, found: 0 };
  const outcomes = await gmail.batchGet(
    witnesses.map(({ id }) => ({ kind: 'message', id })),
    'minimal',
    signal,
  );
  const found = witnesses.filter((witness, index) => isFoundIn(witness, outcomes[index])).length;
  if (found >= Math.min(PROOF, witnesses.length)) return { kind: 'same', address, by: 'messages' };
  const refusal = outcomes.map(refusalIn).find((error) => error !== null);
  if (refusal !== undefined) throw refusal;
  return { kind: 'another', address, asked: witnesses.length, found };
}

function isFoundIn({ id, threadId, internalDate }: Witness, outcome: FetchOutcome | undefined): boolean {
  if (outcome?.kind !== 'fetched') return false;
  return outcome.messages.some(
    (message) =>
      message.id === id &&
      message.threadId === threadId &&
      (internalDate === null || message.internalDate === internalDate),
  );
}

function refusalIn(outcome: FetchOutcome): GmailError | null {
  return outcome.kind === 'failed' && outcome.error.failure.kind !== 'not-found' ? outcome.error : null;
}
