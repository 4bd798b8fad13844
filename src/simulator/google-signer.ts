import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';

import type { Clock } from '../model/clock.ts';

const KEY_ID = 'simulator';
const ISSUER = 'https://accounts.google.com';
/** Seconds that Google's tokens last. */
const LIFETIME = 3_600;

/**
 * Signs tokens as Google does, but with its own key:
 * https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions
 */
export class GoogleSigner {
  /** The public half, as Google publishes it. */
  readonly keySet: { readonly keys: readonly JWK[] };
  readonly #privateKey: CryptoKey;
  readonly #clock: Clock;

  private constructor(keySet: GoogleSigner['keySet'], privateKey: CryptoKey, clock: Clock) {
    this.keySet = keySet;
    this.#privateKey = privateKey;
    this.#clock = clock;
  }

  /**
   * Makes a signer with a key of its own.
   *
   * @param clock - by which tokens are dated
   * @returns the signer
   */
  static async create(clock: Clock): Promise<GoogleSigner> {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    return new GoogleSigner(
      { keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' }] },
      privateKey,
      clock,
    );
  }

  /**
   * The token of a push request.
   *
   * @param push - the audience and the service account that the token names
   * @returns the token, valid for an hour
   */
  identityToken({ audience, serviceAccount }: { audience: string; serviceAccount: string }): Promise<string> {
    const now = Math.floor(this.#clock.now() / 1_000);
    return new SignJWT({ email: serviceAccount, email_verified: true, azp: serviceAccount, sub: serviceAccount })
      .setProtectedHeader({ alg: 'RS256', kid: KEY_ID, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + LIFETIME)
      .sign(this.#privateKey);
  }
}
