import { addressIn, isSameAddress } from '../../model/address.ts';
import type { MailboxId, MessageId, ThreadId } from '../../model/ids.ts';
import { gmailError } from '../api/classify.ts';
import type { FetchOutcome, GmailApi } from '../api/gmail-api.ts';
import type { GmailError } from '../api/gmail-error.ts';

/** A message that the store holds of the mailbox. Ids are drawn per mailbox, so another account answers 404 for it. */
export interface Witness {
  readonly id: MessageId;
  readonly threadId: ThreadId;
  /** Epoch ms; null when Gmail never gave one. */
  readonly internalDate: number | null;
}

/** The account that a token opens, and whether it is the mailbox's. */
export type Account =
  /** `by`: the address says so, or messages that it shares with the store under another address. */
  | { readonly kind: 'same'; readonly address: MailboxId; readonly by: 'address' | 'messages' }
  /** Under another address `found` of the `asked` messages; none was asked for where the store holds none. */
  | { readonly kind: 'another'; readonly address: MailboxId; readonly asked: number; readonly found: number };

/** Two of them: one id that two mailboxes share by chance is no proof. */
const PROOF = 2;

/**
 * Decides whether the account behind a token is the one of a mailbox. The address of its profile decides where it is the mailbox's (1 unit).
 * Where it differs, the account was renamed or is another one: MINIMAL gets of stored messages tell (20 units each). Two that answer with
 * the stored thread and date prove the same account (one, where no more are held); otherwise it is another. A refusal is no answer.
 *
 * @param request.witnesses - some stored messages, asked for only where the address differs
 * @throws {GmailError} when Gmail doesn't answer, or refuses a message that would have decided
 */
export async function accountBehind(
  gmail: Pick<GmailApi, 'getProfile' | 'batchGet'>,
  request: { readonly mailbox: MailboxId; readonly witnesses: () => Promise<readonly Witness[]>; readonly signal?: AbortSignal | undefined },
): Promise<Account> {
  const { mailbox, signal } = request;
  const address = addressIn((await gmail.getProfile(signal)).emailAddress);
  if (address === null) throw gmailError(mailbox, 'getProfile', { kind: 'unavailable', status: 200, detail: 'the profile names no address' });
  if (isSameAddress(address, mailbox)) return { kind: 'same', address, by: 'address' };

  const witnesses = await request.witnesses();
  if (witnesses.length === 0) return { kind: 'another', address, asked: 0, found: 0 };
  const outcomes = await gmail.batchGet(witnesses.map(({ id }) => ({ kind: 'message', id })), 'minimal', signal);
  const found = witnesses.filter((witness, index) => isAnswered(witness, outcomes[index])).length;
  if (found >= Math.min(PROOF, witnesses.length)) return { kind: 'same', address, by: 'messages' };
  const refusal = outcomes.map(refusalIn).find((error) => error !== null);
  if (refusal !== undefined) throw refusal;
  return { kind: 'another', address, asked: witnesses.length, found };
}

function isAnswered({ id, threadId, internalDate }: Witness, outcome: FetchOutcome | undefined): boolean {
  if (outcome?.kind !== 'fetched') return false;
  return outcome.readings.some((reading) => reading.id === id && reading.threadId === threadId && (internalDate === null || reading.internalDate === internalDate));
}

function refusalIn(outcome: FetchOutcome): GmailError | null {
  return outcome.kind === 'failed' && outcome.error.failure.kind !== 'not-found' ? outcome.error : null;
}
