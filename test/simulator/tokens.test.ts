import { describe, expect, it } from 'vitest';
import { ADA, ApiUser, fill, openSimulator, plain, type ErrorBody } from '../fixtures/gmail/simulator-fixture.ts';

interface TokenBody {
  access_token?: string;
  expires_in?: number;
  error?: string;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function assertion(claims: object, header: object = { alg: 'RS256', typ: 'JWT' }): string {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: `${encode(header)}.${encode(claims)}.c2ln`,
  });
  return form.toString();
}

describe('the token endpoint', () => {
  it('answers a refresh with a token of an hour, after which the API answers 401', async () => {
    const { user, clock } = await openSimulator();
    expect((await user.get('profile')).status).toBe(200);
    await clock.advance(3_600_000);
    const refused = await user.get<ErrorBody>('profile');
    expect(refused.status).toBe(401);
    expect(refused.body.error).toMatchObject({
      status: 'UNAUTHENTICATED',
      errors: [{ message: 'Invalid Credentials', reason: 'authError', location: 'Authorization' }],
    });
  });

  it('refuses calls without a token', async () => {
    const { simulator } = await openSimulator();
    expect((await new ApiUser(simulator).get('profile')).status).toBe(401);
  });

  it('answers invalid_grant after a revocation, and 401 at once, until a new grant', async () => {
    const { user, simulator } = await openSimulator();
    const before = simulator.credentialsFor(ADA);
    simulator.revoke(ADA);
    expect((await user.get('profile')).status).toBe(401);
    const form = new URLSearchParams({ grant_type: 'refresh_token', ...before }).toString();
    const refused = await user.send<TokenBody>('POST', '/token', form);
    expect(refused).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
    });

    const granted = simulator.grant(ADA);
    expect(granted.refresh_token).not.toBe(before.refresh_token);
    expect((await (await user.signIn(granted)).get('profile')).status).toBe(200);
    expect((await user.send('POST', '/token', form)).status).toBe(400);
  });

  it('refuses a wrong client secret and an unknown grant type', async () => {
    const { user, simulator } = await openSimulator();
    const form = { grant_type: 'refresh_token', ...simulator.credentialsFor(ADA) };
    expect(
      (await user.send<TokenBody>('POST', '/token', new URLSearchParams({ ...form, client_secret: 'x' }).toString()))
        .body.error,
    ).toBe('invalid_client');
    expect((await user.send<TokenBody>('POST', '/token', 'grant_type=password')).body.error).toBe(
      'unsupported_grant_type',
    );
  });

  it('takes a service account’s assertion for a mailbox that it knows', async () => {
    const { user, simulator } = await openSimulator();
    const claims = {
      iss: 'robot@project.iam',
      scope: 'https://www.googleapis.com/auth/gmail.readonly',
      sub: ADA,
      iat: 1_000,
      exp: 4_600,
    };
    const granted = await user.send<TokenBody>('POST', '/token', assertion(claims));
    expect(granted).toMatchObject({ status: 200, body: { expires_in: 3_599 } });
    const authorization = { authorization: `Bearer ${granted.body.access_token ?? ''}` };
    expect((await user.send('GET', '/gmail/v1/users/me/profile', '', authorization)).body).toMatchObject({
      emailAddress: ADA,
    });

    for (const wrong of [
      assertion({ ...claims, sub: 'nobody@example.com' }),
      assertion({ ...claims, exp: 9_999 }),
      assertion(claims, { alg: 'none' }),
      'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=x',
    ]) {
      expect((await user.send<TokenBody>('POST', '/token', wrong)).body.error).toBe('invalid_grant');
    }
    simulator.revoke(ADA);
    expect((await user.send<TokenBody>('POST', '/token', assertion(claims))).body.error).toBe('unauthorized_client');
  });
});

describe('a grant', () => {
  it('is for one mailbox, by `me` or by its address', async () => {
    const { user, simulator } = await openSimulator();
    simulator.addMailbox('bob@example.com');
    expect((await user.send('GET', `/gmail/v1/users/${ADA}/profile`)).status).toBe(200);
    expect((await user.send('GET', '/gmail/v1/users/bob@example.com/profile')).status).toBe(403);
  });

  it('for reading refuses changes, and for metadata refuses searches and bodies', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const scope = (name: string): string => `https://www.googleapis.com/auth/gmail.${name}`;
    await user.signIn(simulator.grant(ADA, { scopes: [scope('readonly')] }));
    const refused = await user.call<ErrorBody>('POST', `messages/${id}/trash`);
    expect(refused.status).toBe(403);
    expect(refused.body.error.errors[0]?.reason).toBe('insufficientPermissions');
    expect((await user.get(`messages/${id}`)).status).toBe(200);

    await user.signIn(simulator.grant(ADA, { scopes: [scope('metadata')] }));
    expect((await user.get(`messages/${id}`, { format: 'metadata' })).status).toBe(200);
    expect((await user.get(`messages/${id}`)).status).toBe(403);
    expect((await user.get(`messages/${id}`, { format: 'raw' })).status).toBe(403);
    expect((await user.get('messages', { q: 'x' })).status).toBe(403);
    expect((await user.get('messages')).status).toBe(200);
  });

  it('that holds metadata beside a wider scope still refuses searches and bodies', async () => {
    const { mailbox, user, simulator } = await openSimulator();
    const [id = ''] = fill(mailbox, 1);
    const scopes = [
      'https://www.googleapis.com/auth/gmail.metadata',
      'https://www.googleapis.com/auth/gmail.readonly',
      'https://mail.google.com/',
    ];
    await user.signIn(simulator.grant(ADA, { scopes }));
    const body = await user.get<ErrorBody>(`messages/${id}`, { format: 'full' });
    expect(body).toMatchObject({
      status: 403,
      body: { error: { message: "Metadata scope doesn't allow format FULL", errors: [{ reason: 'forbidden' }] } },
    });
    const search = await user.get<ErrorBody>('messages', { q: 'x' });
    expect(search).toMatchObject({
      status: 403,
      body: { error: { message: "Metadata scope does not support 'q' parameter" } },
    });
    expect((await user.get(`messages/${id}`, { format: 'minimal' })).status).toBe(200);
  });
});

describe('a watch', () => {
  it('notifies its listeners of the new head, once a second at most, until it is stopped', async () => {
    const { mailbox, user, simulator, clock } = await openSimulator();
    const heads: string[] = [];
    simulator.onNotification(({ emailAddress, historyId }) => heads.push(`${emailAddress} ${historyId}`));
    const topicName = 'projects/p/topics/mail';
    fill(mailbox, 1);
    const watched = await user.call<{ historyId: string; expiration: string }>('POST', 'watch', { topicName });
    expect(watched.body).toEqual({ historyId: mailbox.historyId, expiration: String(clock.now() + 7 * 86_400_000) });
    fill(mailbox, 1);
    const first = mailbox.historyId;
    fill(mailbox, 1);
    await clock.advance(1_000);
    fill(mailbox, 1);
    expect(heads).toEqual([`${ADA} ${first}`, `${ADA} ${mailbox.historyId}`]);

    const second = await user.call<ErrorBody>('POST', 'watch', { topicName: 'projects/p/topics/other' });
    expect(second.status).toBe(400);
    expect(second.body.error.message).toMatch(/^Only one user push notification client allowed per developer/);
    expect((await user.call('POST', 'stop')).status).toBe(204);
    await clock.advance(1_000);
    mailbox.insert({ raw: plain('unheard'), labelIds: [] });
    expect(heads).toHaveLength(2);
    expect((await user.call('POST', 'watch', { topicName: 'mail' })).status).toBe(400);
  });
});
