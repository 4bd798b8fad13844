import type { GmailFailure } from './gmail-error.ts';
import type { HttpResponse, Transport } from './transport.ts';

/** The header tells whole seconds, and an answer takes time: a smaller difference says nothing. */
const PRECISION = 5_000;

/**
 * When Google's server answered, by its own clock: epoch ms, whole seconds. null where the answer does not say, or was kept by something on the way.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-date
 */
export function dateOf({ headers }: Pick<HttpResponse, 'headers'>): number | null {
  const date = headers['age'] === undefined ? Date.parse(headers['date'] ?? '') : Number.NaN;
  return Number.isNaN(date) ? null : date;
}

/** Tells `seen` the time of each answer. */
export function withDates(transport: Transport, seen: (date: number) => void): Transport {
  return async (request) => {
    const response = await transport(request);
    const date = dateOf(response);
    if (date !== null) seen(date);
    return response;
  };
}

/** Ms that this machine's clock (`now`, as the answer came) is ahead of Google's; 0 where that is too little to tell, or the answer says nothing. */
export function aheadOf(response: Pick<HttpResponse, 'headers'>, now: number): number {
  const date = dateOf(response);
  return date === null || Math.abs(now - date) < PRECISION ? 0 : now - date;
}

/**
 * "Retry after" is a time of Gmail's clock: here it becomes one of ours, so that a wrong clock waits no longer, and no shorter, than Gmail asks.
 *
 * @param now - of this machine's clock, as the answer came; epoch ms
 */
export function byOurClock(failure: GmailFailure, response: Pick<HttpResponse, 'headers'>, now: number): GmailFailure {
  if (failure.kind !== 'rate-limited' || failure.retryAt === null) return failure;
  return { ...failure, retryAt: failure.retryAt + aheadOf(response, now) };
}
