import type { GmailFailure } from './gmail-error.ts';
import type { HttpResponse, Transport } from './transport.ts';

/** Ms below which a difference means nothing: the header has whole seconds, and an answer takes time. */
const PRECISION = 5_000;

/**
 * When Google's server answered, by its own clock: epoch ms, in whole seconds. null when the answer does not say, or
 * came from a cache on the way.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-date
 */
export function dateOf({ headers }: Pick<HttpResponse, 'headers'>): number | null {
  const date = headers['age'] === undefined ? Date.parse(headers['date'] ?? '') : Number.NaN;
  return Number.isNaN(date) ? null : date;
}

/** Wraps a transport so that `seen` gets the time of each answer. */
export function withDates(transport: Transport, seen: (date: number) => void): Transport {
  return async (request) => {
    const response = await transport(request);
    const date = dateOf(response);
    if (date !== null) seen(date);
    return response;
  };
}

/**
 * Ms that this machine's clock (`now`, when the answer came) is ahead of Google's; 0 when the difference is too small,
 * or the answer names no time.
 */
export function aheadOf(response: Pick<HttpResponse, 'headers'>, now: number): number {
  const date = dateOf(response);
  return date === null || Math.abs(now - date) < PRECISION ? 0 : now - date;
}

/**
 * Converts Gmail's "retry after" from Gmail's clock to this machine's, so that a wrong clock waits exactly as long as
 * Gmail asks.
 *
 * @param now - epoch ms by this machine's clock, when the answer came
 */
export function byOurClock(failure: GmailFailure, response: Pick<HttpResponse, 'headers'>, now: number): GmailFailure {
  if (failure.kind !== 'rate-limited' || failure.retryAt === null) return failure;
  return { ...failure, retryAt: failure.retryAt + aheadOf(response, now) };
}
