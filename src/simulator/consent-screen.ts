import { createHash } from 'node:crypto';
import type { ApiCall, SimulatorResponse } from './http.ts';
import type { Random } from './random.ts';

/** What a person agreed to, kept until the code is redeemed. */
export interface Agreement {
  readonly email: string;
  readonly scopes: readonly string[];
  /**
   * Whether the answer includes a refresh token:
   * https://developers.google.com/identity/protocols/oauth2/web-server#offline
   */
  readonly offline: boolean;
  /** `prompt=consent`: the answer includes a refresh token even when the account consented before. */
  readonly asked: boolean;
  /** `include_granted_scopes=true`: the new grant includes the account's earlier scopes. */
  readonly includeGranted: boolean;
}

interface Code extends Agreement {
  readonly redirectUri: string;
  readonly challenge: { readonly text: string; readonly method: 'S256' | 'plain' } | null;
  readonly expiresAt: number;
}

interface ConsentOptions {
  readonly random: Random;
  readonly clientId: string;
  readonly accounts: () => readonly string[];
}

export const CONSENT_PATH = '/o/oauth2/v2/auth';
/** RFC 6749 recommends ten minutes at most. */
const LIFETIME_MS = 600_000;
/** Any port: https://developers.google.com/identity/protocols/oauth2/native-app#request-parameter-redirect_uri */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/|$)/;

/**
 * Google's consent screen. A browser gets a page with a form. A program submits the form directly: it POSTs to the same
 * address with `decision=allow&account=EMAIL` (and `scope=…` for each ticked scope; all scopes by default) or
 * `decision=deny`.
 *
 * @see
 * https://developers.google.com/identity/protocols/oauth2/native-app#step-2:-send-a-request-to-googles-oauth-2.0-server
 */
export class Consent {
  readonly #options: ConsentOptions;
  readonly #codes = new Map<string, Code>();

  constructor(options: ConsentOptions) {
    this.#options = options;
  }

  answer({ httpMethod, url, body }: ApiCall, now: number): SimulatorResponse {
    const query = url.searchParams;
    const wrong = this.#wrong(query);
    if (wrong !== null) return page(400, `<h1>Access blocked: authorization error</h1><p>Error 400: ${wrong}</p>`);
    if (httpMethod !== 'POST') return page(200, this.#form(query));
    const form = new URLSearchParams(body.toString());
    const redirect = new URL(query.get('redirect_uri') ?? '');
    const state = query.get('state');
    if (state !== null) redirect.searchParams.set('state', state);
    const email = (form.get('account') ?? query.get('login_hint') ?? '').toLowerCase();
    if (form.get('decision') !== 'allow' || !this.#options.accounts().includes(email))
      redirect.searchParams.set('error', 'access_denied');
    else {
      const asked = (query.get('scope') ?? '').split(' ');
      const ticked = form.getAll('scope');
      const scopes = ticked.length === 0 ? asked : asked.filter((scope) => ticked.includes(scope));
      redirect.searchParams.set('code', this.#newCode(query, email, scopes, now));
      redirect.searchParams.set('scope', scopes.join(' '));
    }
    return { status: 302, headers: { location: redirect.href }, body: Buffer.alloc(0) };
  }

  /**
   * Redeems a code, once.
   *
   * @returns what was agreed to, or Google's error
   */
  redeem(form: URLSearchParams, now: number): Agreement | { readonly error: string; readonly description: string } {
    const name = form.get('code') ?? '';
    const code = this.#codes.get(name);
    this.#codes.delete(name);
    if (code === undefined || now >= code.expiresAt)
      return { error: 'invalid_grant', description: 'Malformed auth code.' };
    if (form.get('redirect_uri') !== code.redirectUri)
      return { error: 'redirect_uri_mismatch', description: 'Bad Request' };
    const verifier = form.get('code_verifier');
    if (code.challenge !== null && verifier === null)
      return { error: 'invalid_grant', description: 'Missing code verifier.' };
    if (code.challenge !== null && challengeOf(verifier ?? '', code.challenge.method) !== code.challenge.text)
      return { error: 'invalid_grant', description: 'Invalid code verifier.' };
    return code;
  }

  #newCode(query: URLSearchParams, email: string, scopes: readonly string[], now: number): string {
    const name = `4/0A${this.#options.random.text(60)}`;
    const challenge = query.get('code_challenge');
    this.#codes.set(name, {
      email,
      scopes,
      offline: query.get('access_type') === 'offline',
      asked: (query.get('prompt') ?? '').split(' ').includes('consent'),
      includeGranted: query.get('include_granted_scopes') === 'true',
      redirectUri: query.get('redirect_uri') ?? '',
      challenge:
        challenge === null
          ? null
          : { text: challenge, method: query.get('code_challenge_method') === 'S256' ? 'S256' : 'plain' },
      expiresAt: now + LIFETIME_MS,
    });
    return name;
  }

  /** Errors that Google shows to the person, because it does not trust the redirect address. */
  #wrong(query: URLSearchParams): string | null {
    if (query.get('client_id') !== this.#options.clientId) return 'invalid_client: The OAuth client was not found.';
    if (!LOOPBACK.test(query.get('redirect_uri') ?? '')) return 'redirect_uri_mismatch';
    if (query.get('response_type') !== 'code') return 'invalid_request: response_type';
    const method = query.get('code_challenge_method');
    if (method !== null && method !== 'S256' && method !== 'plain') return 'invalid_request: code_challenge_method';
    return (query.get('scope') ?? '') === '' ? 'invalid_request: Missing required parameter: scope' : null;
  }

  #form(query: URLSearchParams): string {
    const hint = query.get('login_hint')?.toLowerCase() ?? null;
    const emails = this.#options.accounts();
    const accounts = emails.map((email, index) => {
      const checked = email === hint || (hint === null && index === 0) ? ' checked' : '';
      return (
        `<p><label><input type="radio" name="account" required value="${escape(email)}"${checked}> ` +
        `${escape(email)}</label></p>`
      );
    });
    const missing = hint !== null && !emails.includes(hint) ? hint : emails.length === 0 ? '' : null;
    const scopes = (query.get('scope') ?? '')
      .split(' ')
      .map(
        (scope) =>
          `<p><label><input type="checkbox" name="scope" value="${escape(scope)}" checked> ` +
          `${escape(scope)}</label></p>`,
      );
    return (
      `<h1>Sign in (simulated)</h1>${missing === null ? '' : missingAccount(missing)}<form method="post">` +
      `${accounts.join('')}<h2>The application wants access to</h2>${scopes.join('')}` +
      '<button name="decision" value="allow">Allow</button> ' +
      '<button name="decision" value="deny" formnovalidate>Cancel</button></form>'
    );
  }
}

/** @param email - empty when the simulator has no mailbox at all */
function missingAccount(email: string): string {
  const who = email === '' ? '' : ` ${escape(email)}`;
  const next = 'POST /simulator/mailboxes makes one; load this page again afterwards.';
  return `<p>This simulator has no mailbox${who}. ${next}</p>`;
}

/** https://www.rfc-editor.org/rfc/rfc7636#section-4.2 */
function challengeOf(verifier: string, method: 'S256' | 'plain'): string {
  return method === 'plain' ? verifier : createHash('sha256').update(verifier).digest('base64url');
}

function page(status: number, html: string): SimulatorResponse {
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: Buffer.from(`<!doctype html><meta charset="utf-8"><title>Simulated Google</title>${html}`),
  };
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
