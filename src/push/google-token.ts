import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';

import type { Clock } from '../model/clock.ts';

export interface GoogleTokenOptions {
  /** Google's JSON Web Key Set. */
  readonly keysUrl: string;
  readonly audience: string;
  /** In lower case. */
  readonly serviceAccount: string;
  readonly clock: Clock;
}

/** Thrown when a request does not prove that it comes from our Pub/Sub subscription. */
export class InvalidTokenError extends Error {
  override readonly name = 'InvalidTokenError';
}

/** Thrown when Google's keys cannot be read now. The token may be valid. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/** Resolves when the `Authorization` header holds a valid token. */
export type TokenVerifier = (authorization: string | undefined) => Promise<void>;

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com'];
/** Seconds by which clocks may differ. */
const CLOCK_TOLERANCE = 30;
/** Pub/Sub's tokens have about 1,000 characters. */
const MAX_LENGTH = 8_192;

/**
 * Verifies the OpenID Connect tokens with which Pub/Sub signs its push requests: the signature (only RS256), `exp`,
 * `iss`, `aud`, and that the verified e-mail address is that of the given service account. Keys are fetched when needed
 * and cached. An unknown key causes at most one fetch every 30 seconds.
 *
 * @throws {InvalidTokenError} when the token is not valid
 * @throws {KeysUnavailableError} when the keys cannot be read
 * @see https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
 */
export function createTokenVerifier({ keysUrl, audience, serviceAccount, clock }: GoogleTokenOptions): TokenVerifier {
  const keys = createRemoteJWKSet(new URL(keysUrl), { cacheMaxAge: 3_600_000 });
  return async (authorization) => {
    const token = /^Bearer +([\w.-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined || token.length > MAX_LENGTH) throw new InvalidTokenError('no bearer token');
    let claims: JWTPayload;
    try {
      ({ payload: claims } = await jwtVerify(token, keys, {
        algorithms: ['RS256'],
        issuer: ISSUERS,
        audience,
        requiredClaims: ['exp', 'email', 'email_verified'],
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: new Date(clock.now()),
      }));
    } catch (error) {
      throw isAboutToken(error)
        ? new InvalidTokenError(error.code)
        : new KeysUnavailableError("Google's keys cannot be read", { cause: error });
    }
    const { email, email_verified: verified } = claims;
    if (typeof email !== 'string' || email.toLowerCase() !== serviceAccount)
      throw new InvalidTokenError('another service account');
    if (verified !== true) throw new InvalidTokenError('an address that is not verified');
  };
}

/** Whether jose rejected the token itself, and did not fail because the key set is unavailable or invalid. */
function isAboutToken(error: unknown): error is errors.JOSEError {
  if (!(error instanceof errors.JOSEError)) return false;
  return (
    error.code !== 'ERR_JOSE_GENERIC' &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid)
  );
}
