import { withDeadline } from '../../model/deadline.ts';
import { GmailError } from '../api/gmail-error.ts';
import type { TokenSource } from '../api/token-source.ts';
import { googleGrants } from './google-grants.ts';
import { providedTokens } from './provided-tokens.ts';
import type { GrantedToken, TokenSourceOptions, WayToTokens } from './way-to-tokens.ts';

/** Ms before its expiry at which a token is replaced, so that no call outlives it. */
const EXPIRY_MARGIN = 60_000;

/**
 * Whether a token can be used. A token that was asked for in the future dates from before the clock was set back, and
 * may have expired long ago.
 */
const isGood = ({ askedAt, expiresAt }: GrantedToken, now: number): boolean =>
  askedAt <= now && now < expiresAt - EXPIRY_MARGIN;

/** Fetches access tokens, and keeps each until shortly before it expires. */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock } = options;
  const way = wayTo(options);
  const { timeoutMs = way.timeoutMs } = options;
  let cached: GrantedToken | null = null;
  /** Whether Gmail refused the last token before it had expired. */
  let refused = false;

  const refresh = new SharedCall(async (signal) => {
    try {
      cached = await withDeadline({ clock, milliseconds: timeoutMs, signal }, (limited) =>
        way.request({ signal: limited, refused }),
      );
    } catch (error) {
      if (signal.aborted) throw error;
      const failed = error instanceof GmailError ? error : way.failureOf(error);
      throw refused ? withRefusedToken(failed) : failed;
    }
    refused = false;
    return cached.token;
  });

  return {
    async accessToken(signal) {
      signal?.throwIfAborted();
      if (cached !== null && isGood(cached, clock.now())) return cached.token;
      return refresh.join(signal);
    },
    invalidate(token) {
      if (cached?.token !== token) return;
      cached = null;
      refused = true;
    },
  };
}

/**
 * Adds to a `consent-revoked` that Gmail had refused the last token, which makes it certain that the grant was
 * withdrawn. Other failures stay as they are.
 */
function withRefusedToken(error: GmailError): GmailError {
  const { failure, message, cause } = error;
  return failure.kind === 'consent-revoked'
    ? new GmailError({ ...failure, tokenRefused: true }, message, { cause })
    : error;
}

function wayTo(options: TokenSourceOptions): WayToTokens {
  const { credentials } = options;
  return credentials.type === 'token_provider'
    ? providedTokens({ ...options, credentials })
    : googleGrants({ ...options, credentials });
}

interface RunningCall<Result> {
  readonly promise: Promise<Result>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * A call that is made once at a time, for all callers that want its result. It is aborted only when its last caller has
 * stopped waiting, so a caller that aborts cannot fail the others.
 */
class SharedCall<Result> {
  readonly #call: (signal: AbortSignal) => Promise<Result>;
  #running: RunningCall<Result> | null = null;

  constructor(call: (signal: AbortSignal) => Promise<Result>) {
    this.#call = call;
  }

  async join(signal: AbortSignal | undefined): Promise<Result> {
    this.#running ??= this.#start();
    const joined = this.#running;
    joined.waiting++;
    try {
      return await untilAborted(joined.promise, signal);
    } finally {
      joined.waiting--;
      if (joined.waiting === 0) {
        this.#forget(joined);
        joined.controller.abort();
      }
    }
  }

  #start(): RunningCall<Result> {
    const controller = new AbortController();
    const promise = this.#call(controller.signal).finally(() => this.#forget(started));
    const started: RunningCall<Result> = { promise, controller, waiting: 0 };
    return started;
  }

  #forget(call: RunningCall<Result>): void {
    if (this.#running === call) this.#running = null;
  }
}

async function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return promise;
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
