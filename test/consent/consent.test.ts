import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { beginConsent, completeConsent, type PendingConsent } from '../../src/accounts/consent.ts';
import { parseCredentials } from '../../src/gmail/access/credentials.ts';
import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { secretKeysOf } from '../../src/storage/open-secret-keys.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { serveGmail, type ServedGmail } from '../fixtures/gmail/served-gmail.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { answerConsent, type Decision } from '../fixtures/gmail/browser.ts';

const ada = mailboxId('ada@example.com');
const bob = mailboxId('bob@example.com');
const countess = mailboxId('countess@example.com');
const READONLY = 'https://www.googleapis.com/auth/gmail.readonly';
const METADATA = 'https://www.googleapis.com/auth/gmail.metadata';
const redirectUri = 'http://localhost:3000/oauth/callback?from=google';

describe("a consent through a product's own routes", () => {
  const folder = useFolder();
  let simulator: ServedGmail['simulator'];
  let config: ServedGmail['config'];
  let stores: ServedGmail['stores'];
  let close: ServedGmail['close'];
  let client: string;
  beforeEach(async () => {
    ({ simulator, config, stores, close } = await serveGmail(folder(), [ada, bob]));
    client = JSON.stringify(simulator.clientFile());
  });
  afterEach(() => close());

  const begin = (options: Partial<Parameters<typeof beginConsent>[0]> = {}) =>
    beginConsent({ config, client, redirectUri, mailbox: ada, ...options });
  const complete = (pending: PendingConsent, callbackUrl: string) =>
    completeConsent({ config, stores, client, pending, callbackUrl, clock: systemClock });

  async function stored(): Promise<unknown> {
    const record = await stores.credentials.get(ada);
    return record === null ? null : parseCredentials(await (await secretKeysOf(config)).open(ada, record));
  }

  const grantOf = (email: MailboxId) => simulator.grant(email);

  /** Gmail has five messages of Ada's, and the store holds them. */
  async function holdFiveMessages(): Promise<void> {
    const date = Date.parse('2026-01-01');
    const messages = Array.from({ length: 5 }, (_, index) =>
      simulator
        .mailbox(ada)
        .insert({ raw: `Subject: ${index}\r\n\r\nhello\r\n`, labelIds: ['INBOX'], internalDate: date }),
    );
    const held = new TestMailbox(stores.store, ada);
    await held.put();
    await held.sync(messages.map(({ id, threadId }) => reading(id, { thread: threadId, date })));
  }

  /** Expects that nothing is stored, and that the error shows no secret. @returns the error */
  async function failure(
    decision: Decision,
    {
      change = (url: string) => url,
      pending,
    }: { change?: (url: string) => string; pending?: (pending: PendingConsent) => PendingConsent } = {},
  ): Promise<unknown> {
    const begun = begin();
    const callback = change(await answerConsent(begun.url, decision));
    const error: unknown = await complete(pending?.(begun.pending) ?? begun.pending, callback).catch(
      (thrown: unknown) => thrown,
    );
    expect(await stores.credentials.list()).toEqual([]);
    const code = new URL(callback).searchParams.get('code');
    const shown = error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : '';
    for (const secret of [
      begun.pending.codeVerifier,
      begun.pending.state,
      simulator.clientFile().installed.client_secret,
      code,
    ])
      expect(secret === null || !shown.includes(secret)).toBe(true);
    return error;
  }

  it('stores a grant that reads the mailbox, with the scopes that were granted', async () => {
    const { url, pending } = begin();
    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({
      scope: READONLY,
      login_hint: ada,
      access_type: 'offline',
      prompt: 'consent',
      code_challenge_method: 'S256',
    });
    expect(url).not.toContain(pending.codeVerifier);
    // Between the two calls it lies in a session, as JSON.
    const kept = JSON.parse(JSON.stringify(pending)) as PendingConsent;
    expect(await complete(kept, await answerConsent(url, { account: ada }))).toEqual({
      mailbox: ada,
      address: ada,
      scopes: [READONLY],
      messagesTotal: 0,
    });
    const credentials = await stored();
    expect(credentials).toMatchObject({
      type: 'authorized_user',
      scopes: [READONLY],
      refreshToken: simulator.credentialsFor(ada).refresh_token,
    });
  });

  it('accepts the callback URL without its host, as a server sees it', async () => {
    const { url, pending } = begin();
    const callback = new URL(await answerConsent(url, { account: ada }));
    expect(callback.searchParams.get('from')).toBe('google');
    expect(await complete(pending, callback.pathname + callback.search)).toMatchObject({ mailbox: ada });
  });

  it('connects the account that is chosen when no address was asked for', async () => {
    const { url, pending } = beginConsent({ config, client, redirectUri });
    expect(new URL(url).searchParams.has('login_hint')).toBe(false);
    expect(await complete(pending, await answerConsent(url, { account: bob }))).toMatchObject({ mailbox: bob });
  });

  it('asks for no more than the format needs', () => {
    const scopeOf = (settings: Pick<typeof DEFAULT_SETTINGS, 'format' | 'scope'>) =>
      new URL(begin({ settings }).url).searchParams.get('scope');
    expect(scopeOf({ ...DEFAULT_SETTINGS, format: 'metadata' })).toBe(METADATA);
    expect(scopeOf({ ...DEFAULT_SETTINGS, format: 'raw' })).toBe(READONLY);
    expect(scopeOf({ format: 'metadata', scope: { ...DEFAULT_SETTINGS.scope, after: 1 } })).toBe(READONLY);
  });

  it('begins each time with another state and another code verifier', () => {
    const [one, two] = [begin().pending, begin().pending];
    expect(one.state).not.toBe(two.state);
    expect(one.codeVerifier).not.toBe(two.codeVerifier);
  });

  it('fails with a sentence when the person declines', async () => {
    expect(await failure('deny')).toMatchObject({
      name: 'ConsentError',
      code: 'consent-denied',
      message: expect.stringContaining('declined'),
    });
  });

  it('fails when another account was chosen', async () => {
    expect(await failure({ account: bob })).toMatchObject({
      code: 'consent-wrong-account',
      message: `Consent was given for ${bob}, not for ${ada}; nothing was stored. Begin again and choose ${ada}.`,
    });
  });

  it('recognises a renamed account by the stored messages, and says its new address', async () => {
    await holdFiveMessages();
    simulator.rename(ada, countess);
    const { url, pending } = begin();
    expect(await complete(pending, await answerConsent(url, { account: countess }))).toMatchObject({
      mailbox: ada,
      address: countess,
    });
    expect(await stores.credentials.list()).toEqual([ada]);
    expect(
      await connectMailbox({
        config,
        stores,
        mailbox: ada,
        clock: systemClock,
        text: JSON.stringify(grantOf(countess)),
        verify: true,
      }),
    ).toMatchObject({ address: countess });
  });

  it('refuses an account that holds none of the stored messages, at a consent and at a connection', async () => {
    await holdFiveMessages();
    expect(await failure({ account: bob })).toMatchObject({
      code: 'consent-wrong-account',
      message: `Consent was given for ${bob}, not for ${ada}; nothing was stored. Begin again and choose ${ada}.`,
    });
    const connecting = connectMailbox({
      config,
      stores,
      mailbox: ada,
      clock: systemClock,
      text: JSON.stringify(grantOf(bob)),
      verify: true,
    });
    await expect(connecting).rejects.toMatchObject({
      code: 'wrong-account',
      message:
        `These credentials open ${bob}, and nothing that is stored of ${ada} says that it is the same account; ` +
        `nothing was stored. Give ${ada}'s own file.`,
    });
    expect(await stores.credentials.list()).toEqual([]);
  });

  it('offers to rename the mailbox where no stored message can tell whether the account was renamed', async () => {
    await stores.store.putMailbox({ mailbox: ada, settings: DEFAULT_SETTINGS, now: 1 });
    expect(await failure({ account: bob })).toMatchObject({
      remedy: { kind: 'rename', from: ada, to: bob, else: null },
    });
  });

  it('fails when the person left a box unticked', async () => {
    expect(await failure({ account: ada, scopes: ['none'] })).toMatchObject({
      code: 'consent-scope-missing',
      message: expect.stringContaining(READONLY),
    });
  });

  it('stores no grant that holds gmail.metadata beside what is needed, and says how to get rid of it', async () => {
    const { url, pending } = begin();
    const both = new URL(url);
    both.searchParams.set('scope', `${READONLY} ${METADATA}`);
    await expect(complete(pending, await answerConsent(both.href, { account: ada }))).rejects.toMatchObject({
      code: 'consent-scope-barred',
      message: expect.stringMatching(
        /gmail.metadata beside gmail.readonly.*Remove the access at https:\/\/myaccount.google.com\/connections/,
      ),
    });
    expect(await stores.credentials.list()).toEqual([]);
  });

  it('does not include the scopes of an earlier grant of gmail.metadata', async () => {
    simulator.grant(ada, { scopes: [METADATA] });
    const { url, pending } = begin();
    expect(await complete(pending, await answerConsent(url, { account: ada }))).toMatchObject({ scopes: [READONLY] });
    // Google's parameter for it would include them.
    const again = begin();
    const wider = new URL(again.url);
    wider.searchParams.set('include_granted_scopes', 'true');
    simulator.grant(ada, { scopes: [METADATA] });
    await expect(complete(again.pending, await answerConsent(wider.href, { account: ada }))).rejects.toMatchObject({
      code: 'consent-scope-barred',
    });
  });

  it('refuses the answer to another request, and one without a state', async () => {
    const change = (state: string | null) => (url: string) => {
      const changed = new URL(url);
      if (state === null) changed.searchParams.delete('state');
      else changed.searchParams.set('state', state);
      return changed.href;
    };
    expect(await failure({ account: ada }, { change: change('forged') })).toMatchObject({
      code: 'consent-state-mismatch',
    });
    expect(await failure({ account: ada }, { change: change(null) })).toMatchObject({ code: 'consent-state-mismatch' });
  });

  it('cannot be completed with a stolen code, since the code verifier is missing', async () => {
    expect(
      await failure({ account: ada }, { pending: (pending) => ({ ...pending, codeVerifier: 'another' }) }),
    ).toMatchObject({ code: 'consent-code-refused' });
  });

  it('cannot be completed twice', async () => {
    const { url, pending } = begin();
    const callback = await answerConsent(url, { account: ada });
    await complete(pending, callback);
    await expect(complete(pending, callback)).rejects.toMatchObject({
      code: 'consent-code-refused',
      message: expect.stringContaining('used already'),
    });
  });

  it.for([
    ['access_denied', 'denied', 'declined'],
    ['admin_policy_enforced', 'denied', 'administrator'],
    ['org_internal', 'denied', 'organisation'],
    ['invalid_scope', 'client-refused', 'OAuth client'],
    ['temporarily_unavailable', 'google-unavailable', 'later'],
    ['<script>', 'denied', 'with an error'],
  ] as const)("explains Google's error %s", async ([error, reason, words]) => {
    const { pending } = begin();
    const callback = `${redirectUri}&state=${pending.state}&error=${encodeURIComponent(error)}`;
    await expect(complete(pending, callback)).rejects.toMatchObject({
      code: `consent-${reason}`,
      reason,
      message: expect.stringContaining(words),
    });
  });

  it('fails when the client is not the one that Google knows, and when Google does not answer', async () => {
    const { url, pending } = begin();
    const callbackUrl = await answerConsent(url, { account: ada });
    const other = JSON.stringify({ installed: { ...simulator.clientFile().installed, client_secret: 'GOCSPX-other' } });
    await expect(
      completeConsent({ config, stores, client: other, pending, callbackUrl, clock: systemClock }),
    ).rejects.toMatchObject({
      code: 'consent-client-refused',
      message: expect.not.stringContaining('GOCSPX'),
    });
    const away = loadConfig({
      env: { HOME: folder(), TIDEMARK_DATA_DIR: folder(), GOOGLE_TOKEN_URL: 'http://127.0.0.1:1/token' },
    });
    await expect(
      completeConsent({ config: away, stores, client, pending, callbackUrl, clock: systemClock }),
    ).rejects.toMatchObject({
      code: 'consent-google-unavailable',
    });
  });

  it('takes only the files that Google offers for a client', () => {
    expect(() => begin({ client: '{"web":{"client_id":"a"}}' })).toThrow('not that of an OAuth client with a secret');
    expect(() => begin({ client: 'GOCSPX-secret' })).toThrow(/^The client file is not JSON/);
    const web = JSON.stringify({ web: { client_id: 'of-the-web', client_secret: 's' } });
    expect(new URL(begin({ client: web }).url).searchParams.get('client_id')).toBe('of-the-web');
  });
});
