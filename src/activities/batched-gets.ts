import { MAX_BATCH, type FetchOutcome, type FetchRequest, type GmailSession } from '../gmail/api/gmail-api.ts';
import { GmailError, type GmailFailure } from '../gmail/api/gmail-error.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { MessageId } from '../model/ids.ts';
import type { MessageFormat } from '../model/settings.ts';

/** A request, and what came of it. */
export interface Answered<Request extends FetchRequest> {
  readonly request: Request;
  readonly outcome: FetchOutcome;
}

/** Makes any number of MINIMAL gets, batch by batch. */
export async function* minimalGets<Request extends FetchRequest>(
  session: Pick<GmailSession, 'batchGet' | 'getProfile'>,
  requests: readonly Request[],
  signal: AbortSignal,
): AsyncGenerator<readonly Answered<Request>[]> {
  for (let from = 0; from < requests.length; from += MAX_BATCH) {
    const batch = requests.slice(from, from + MAX_BATCH);
    const outcomes = await getApart(session, batch, 'minimal', signal);
    yield batch.flatMap((request, index) => {
      const outcome = outcomes[index];
      return outcome === undefined ? [] : [{ request, outcome }];
    });
  }
}

/**
 * Makes one batch of gets. When the whole batch fails although Gmail answers other calls, one of its messages is the
 * culprit: the batch is halved until the culprit is alone, and the failure is its outcome.
 *
 * @returns an outcome for each request, in their order
 * @throws {GmailError} during an outage, and when Gmail refuses the batch
 */
export async function getApart(
  session: Pick<GmailSession, 'batchGet' | 'getProfile'>,
  requests: readonly FetchRequest[],
  format: MessageFormat,
  signal: AbortSignal,
): Promise<readonly FetchOutcome[]> {
  try {
    return await session.batchGet(requests, format, signal);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    await session.getProfile(signal);
    const [request, ...others] = requests;
    if (request === undefined) return [];
    if (others.length === 0) return [{ kind: 'failed', request, error }];
    const middle = Math.ceil(requests.length / 2);
    const first = await getApart(session, requests.slice(0, middle), format, signal);
    return [...first, ...(await getApart(session, requests.slice(middle), format, signal))];
  }
}

/** Whether no usable answer of Gmail's came back. */
export function isUnavailable(error: unknown): error is GmailError {
  return error instanceof GmailError && error.failure.kind === 'unavailable';
}

/** Gets of messages, as requests. */
export const messageRequests = (ids: readonly MessageId[]) => ids.map((id) => ({ kind: 'message', id }) as const);

/**
 * Whether a failed get concerns the mailbox, not only its message. Such a failure ends the attempt, and the next
 * attempt asks again. The failure of one message must not keep the work on others from ending.
 */
export function isOfMailbox({ kind }: GmailFailure): boolean {
  switch (kind) {
    case 'rate-limited':
    case 'consent-revoked':
    case 'scope-missing':
    case 'scope-barred':
    case 'history-expired':
      return true;
    case 'not-found':
    case 'unavailable':
    case 'refused':
    case 'invalid-request':
    case 'mailbox-unavailable':
      return false;
  }
}

/**
 * The messages that a get brought; none when the failure is its message's own.
 *
 * @throws {GmailError} when the failure is about the mailbox
 */
export function broughtBy(outcome: FetchOutcome): readonly FetchedMessage[] {
  if (outcome.kind === 'fetched') return outcome.messages;
  if (isOfMailbox(outcome.error.failure)) throw outcome.error;
  return [];
}
