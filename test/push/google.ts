import { createServer, type Server } from 'node:http';

import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK, type JWTPayload } from 'jose';

export const AUDIENCE = 'https://push.example.com/push';
export const SERVICE_ACCOUNT = 'push@my-project.iam.gserviceaccount.com';
const KEY_ID = 'test-key-1';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** Claims over those of a good token; undefined takes one away. */
export type Claims = Readonly<Record<string, unknown>>;

/** Google, as far as a push endpoint knows it: a key set over HTTP, and tokens signed with its key. */
export class Google {
  readonly keysUrl: string;
  /** The key's public half, in PEM form: what an attacker can read. */
  readonly publicKey: string;
  /** Requests for the key set. */
  asked = 0;
  /** While false, the key set answers 503. */
  isUp = true;
  readonly #server: Server;
  readonly #keys: KeyPair;
  readonly #stranger: KeyPair;

  private constructor(parts: { server: Server; keysUrl: string; keys: KeyPair; stranger: KeyPair; publicKey: string }) {
    this.#server = parts.server;
    this.keysUrl = parts.keysUrl;
    this.#keys = parts.keys;
    this.#stranger = parts.stranger;
    this.publicKey = parts.publicKey;
  }

  static async start(): Promise<Google> {
    const [keys, stranger] = await Promise.all([
      generateKeyPair('RS256', { extractable: true }),
      generateKeyPair('RS256'),
    ]);
    const jwk: JWK = { ...(await exportJWK(keys.publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' };
    const server = createServer((_request, response) => {
      google.asked += 1;
      response
        .writeHead(google.isUp ? 200 : 503, { 'content-type': 'application/json' })
        .end(JSON.stringify({ keys: [jwk] }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const google = new Google({
      server,
      keysUrl: `http://127.0.0.1:${port}/certs`,
      keys,
      stranger,
      publicKey: await exportSPKI(keys.publicKey),
    });
    return google;
  }

  /** A token as Pub/Sub sends it. */
  token(changes: Claims = {}, header: { kid?: string } = {}): Promise<string> {
    return this.#sign(this.#keys, changes, header);
  }

  /** The same, signed with a key that is not Google's. */
  forged(changes: Claims = {}, header: { kid?: string } = {}): Promise<string> {
    return this.#sign(this.#stranger, changes, header);
  }

  /** Signed with the public key as if it were a shared secret. */
  hmac(changes: Claims = {}): Promise<string> {
    return new SignJWT(claimsOf(changes))
      .setProtectedHeader({ alg: 'HS256', kid: KEY_ID, typ: 'JWT' })
      .sign(new TextEncoder().encode(this.publicKey));
  }

  /** `alg: none`, without a signature. */
  unsigned(changes: Claims = {}): string {
    const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url');
    return `${part({ alg: 'none', typ: 'JWT' })}.${part(claimsOf(changes))}.`;
  }

  #sign(keys: KeyPair, changes: Claims, header: { kid?: string }): Promise<string> {
    return new SignJWT(claimsOf(changes))
      .setProtectedHeader({ alg: 'RS256', kid: KEY_ID, typ: 'JWT', ...header })
      .sign(keys.privateKey);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function claimsOf(changes: Claims): JWTPayload {
  const now = Math.floor(Date.now() / 1_000);
  const claims: Record<string, unknown> = {
    iss: 'https://accounts.google.com',
    aud: AUDIENCE,
    email: SERVICE_ACCOUNT,
    email_verified: true,
    sub: '113774264463038321964',
    azp: '113774264463038321964',
    iat: now - 10,
    exp: now + 3_590,
    ...changes,
  };
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** The body of a push request for a notification. */
export function envelope(payload: unknown): string {
  const data = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)).toString('base64');
  return JSON.stringify({
    message: { data, messageId: '136969346945', publishTime: '2026-11-22T16:00:00Z' },
    subscription: 'projects/p/subscriptions/s',
  });
}
