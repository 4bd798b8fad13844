import { MAX_BATCH, type FetchOutcome, type FetchRequest, type GmailSession } from '../gmail/api/gmail-api.ts';
import type { GmailFailure } from '../gmail/api/gmail-error.ts';
import type { MessageId } from '../model/ids.ts';

/** A request, and what came of it. */
export interface Answered<Request extends FetchRequest> {
  readonly request: Request;
  readonly outcome: FetchOutcome;
}

/** Makes any number of MINIMAL gets, batch by batch. */
export async function* minimalGets<Request extends FetchRequest>(
  session: Pick<GmailSession, 'batchGet'>,
  requests: readonly Request[],
  signal: AbortSignal,
): AsyncGenerator<readonly Answered<Request>[]> {
  for (let from = 0; from < requests.length; from += MAX_BATCH) {
    const batch = requests.slice(from, from + MAX_BATCH);
    const outcomes = await session.batchGet(batch, 'minimal', signal);
    yield batch.flatMap((request, index) => {
      const outcome = outcomes[index];
      return outcome === undefined ? [] : [{ request, outcome }];
    });
  }
}

/** Gets of messages, as requests. */
export const messageRequests = (ids: readonly MessageId[]) => ids.map((id) => ({ kind: 'message', id }) as const);

/**
 * Whether a failed get is about the mailbox, not about its message: the attempt fails then, and the next one asks
 * again. A failure of one message keeps no work on others from ending.
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
