import { gmailError } from '../gmail/api/classify.ts';
import { MAX_BATCH, type FetchOutcome, type GmailSession } from '../gmail/api/gmail-api.ts';
import type { GmailError } from '../gmail/api/gmail-error.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import { broughtBy, getApart, messageRequests } from './batched-gets.ts';
import type { ActivityDependencies } from './dependencies.ts';

/** How long to wait before a message without a date is asked for again (ms): replicas agree within seconds. */
const PAUSES = [2_000, 5_000];

/**
 * `seems-gone`: each get answered 404. `undated`: Gmail shows the message without a date. `refused`: Gmail refused the
 * gets, and the message may exist.
 */
export type Dating =
  { readonly kind: 'dated'; readonly internalDate: number } | { readonly kind: 'undated' | 'refused' | 'seems-gone' };

export const UNDATED: Dating = { kind: 'undated' };
const REFUSED: Dating = { kind: 'refused' };
export const NO_MESSAGE: Dating = { kind: 'seems-gone' };

/** If gets of so many messages in a row are refused, it is Gmail that fails, not a message. */
export const MOST_REFUSED = 10;

/** At most this many messages in a row without a date are kept: each costs gets for some seconds. */
export const MOST_KEPT = 100;

/** What asks Gmail for dates. */
export interface DateSource {
  readonly deps: Pick<ActivityDependencies<unknown>, 'clock'>;
  readonly session: Pick<GmailSession, 'batchGet' | 'getProfile'>;
  readonly run: { readonly signal: AbortSignal };
}

/**
 * Asks for the date of each message by MINIMAL gets (20 units each), three times at most. A single 404 may come from a
 * lagging replica.
 *
 * @throws GmailError when a failure is about the mailbox
 */
export async function datesByGets(
  { deps, session, run }: DateSource,
  ids: readonly MessageId[],
): Promise<ReadonlyMap<MessageId, Dating>> {
  const answers = new Map<MessageId, Dating>();
  let left = ids;
  for (const pause of [0, ...PAUSES]) {
    if (left.length === 0) break;
    if (pause > 0) await deps.clock.sleep(pause, run.signal);
    for (let from = 0; from < left.length; from += MAX_BATCH) {
      const batch = left.slice(from, from + MAX_BATCH);
      const outcomes = await getApart(session, messageRequests(batch), 'minimal', run.signal);
      for (const [index, id] of batch.entries())
        answers.set(id, bothSay(answers.get(id), answerOf(id, outcomes[index])));
    }
    left = left.filter((id) => answers.get(id)?.kind !== 'dated');
  }
  return answers;
}

export const datingBy = (internalDate: number | null): Dating =>
  internalDate === null ? UNDATED : { kind: 'dated', internalDate };

/**
 * What one get says of its message's date.
 *
 * @throws GmailError when the failure is about the mailbox
 */
export function answerOf(id: MessageId, outcome: FetchOutcome | undefined): Dating {
  if (outcome === undefined) return REFUSED;
  const message = broughtBy(outcome).find((one) => one.id === id);
  if (outcome.kind === 'fetched') return datingBy(message?.internalDate ?? null);
  return outcome.error.failure.kind === 'not-found' ? NO_MESSAGE : REFUSED;
}

/** A message seems gone only if every answer says so. */
const bothSay = (before: Dating | undefined, now: Dating): Dating =>
  now.kind === 'seems-gone' && (before?.kind === 'undated' || before?.kind === 'refused') ? before : now;

/** What to throw while {@link MOST_REFUSED} refusals in a row may pass. */
export const getsRefused = (mailbox: MailboxId): GmailError =>
  gmailError(mailbox, 'messages.get', {
    kind: 'unavailable',
    status: null,
    detail: `${MOST_REFUSED} gets in a row failed`,
  });
