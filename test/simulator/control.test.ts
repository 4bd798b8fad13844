import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ControlApi } from '../../src/simulator/control.ts';
import { CONTROL_SCHEMAS } from '../../src/simulator/control-schema.ts';
import { pricesOf } from '../../src/simulator/method-prices.ts';
import { ADA, fill, openSimulator, plain, type ErrorBody, type Fixture } from '../fixtures/gmail/simulator-fixture.ts';

interface Answered<Body> {
  readonly status: number;
  readonly body: Body;
}

interface Control extends Fixture {
  readonly post: <Body = Record<string, unknown>>(name: string, body?: object | string) => Answered<Body>;
  readonly read: <Body = Record<string, unknown>>(path: string) => Answered<Body>;
}

async function openControl(): Promise<Control> {
  const fixture = await openSimulator();
  const control = new ControlApi(fixture.simulator);
  const answer = <Body>(method: string, path: string, body = ''): Answered<Body> => {
    const response = control.answer({
      method,
      url: `/simulator/${path}`,
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { status: response.status, body: JSON.parse(response.body.toString()) as Body };
  };
  return {
    ...fixture,
    post: (name, body = {}) => answer('POST', name, typeof body === 'string' ? body : JSON.stringify(body)),
    read: (path) => answer('GET', path),
  };
}

describe('the control API', () => {
  it('makes mailboxes, empty or with mail, and gives their credentials', async () => {
    const { post, read, simulator } = await openControl();
    const made = post<{ credentials: object }>('mailboxes', {
      email: 'Bob@example.com',
      messages: 20,
      bodyBytes: 2_000,
    });
    expect(made).toMatchObject({
      status: 200,
      body: { email: 'bob@example.com', credentials: { type: 'authorized_user' } },
    });
    expect(read('credentials?email=bob@example.com').body).toEqual(made.body.credentials);
    expect(
      simulator
        .mailbox('bob@example.com')
        .truth({ includeSpamTrash: true })
        .map(({ sizeEstimate }) => sizeEstimate),
    ).toEqual(Array(20).fill(2_000));
    expect(post('mailboxes', { email: 'bob@example.com' })).toEqual({
      status: 400,
      body: { error: 'The simulator already has a mailbox bob@example.com: choose another address.' },
    });
    expect(read<{ mailboxes: { email: string }[] }>('mailboxes').body.mailboxes.map(({ email }) => email)).toEqual([
      ADA,
      'bob@example.com',
    ]);
  });

  it('does to a mailbox what its owner, senders and administrators do', async () => {
    const { post, read, mailbox } = await openControl();
    const label = post<{ id: string }>('labels', { email: ADA, name: 'Trips' }).body.id;
    const one = post<{ id: string; threadId: string }>('messages', {
      email: ADA,
      raw: plain('one'),
      labelIds: ['INBOX', label],
      internalDate: 5,
    }).body;
    const two = post<{ id: string }>('messages', {
      email: ADA,
      rawBase64url: '_w',
      labelIds: [],
      threadId: one.threadId,
    }).body;
    post('modify', { email: ADA, ids: [one.id, two.id], add: ['STARRED'], remove: ['INBOX'] });
    post('trash', { email: ADA, id: two.id });
    post('labels/rename', { email: ADA, id: label, name: 'Journeys' });
    const truth = read<{ messages: { id: string; labelIds: string[]; raw: string }[]; labels: { name: string }[] }>(
      `truth?email=${ADA}&includeSpamTrash=true`,
    ).body;
    expect(truth.messages.find(({ id }) => id === one.id)?.labelIds).toEqual(
      [label, 'STARRED'].sort((a, b) => (a < b ? -1 : 1)),
    );
    expect(truth.messages.find(({ id }) => id === two.id)).toMatchObject({
      labelIds: ['STARRED', 'TRASH'],
      raw: '_w==',
    });
    expect(truth.labels.map(({ name }) => name)).toContain('Journeys');

    post('untrash', { email: ADA, id: two.id });
    post('labels/delete', { email: ADA, id: label });
    post('delete', { email: ADA, ids: [one.id] });
    post('drafts', { email: ADA, draftId: 'd', raw: plain('draft') });
    expect(mailbox.truth().map(({ labelIds }) => labelIds)).toEqual(expect.arrayContaining([['DRAFT'], ['STARRED']]));
    expect(mailbox.truth()).toHaveLength(2);
    post('restore', { email: ADA, id: one.id });
    expect(mailbox.truth()).toHaveLength(3);
  });

  it('sets lag, paging, quota, latency and poison, and expires history', async () => {
    const { post, mailbox, simulator, user } = await openControl();
    const [id = ''] = fill(mailbox, 1);
    const start = mailbox.historyId;
    fill(mailbox, 1);
    expect(post('lag', { email: ADA, historyMs: 5, jitter: true }).body).toEqual({
      historyMs: 5,
      listMs: 0,
      getMs: 0,
      getProbability: 0.5,
      jitter: true,
    });
    post('paging', { email: ADA, tokens: 'offset', listPage: 7 });
    expect(mailbox.paging).toMatchObject({ tokens: 'offset', listPage: 7, historyPage: 500 });
    post('quota', { window: 'ten-seconds', concurrentRequests: 3 });
    expect(simulator.quota).toEqual({ window: 'ten-seconds', concurrentRequests: 3 });
    expect(post('answers', { latencyMs: 0, batchOrder: 'shuffled' }).body).toEqual({
      latencyMs: 0,
      batchOrder: 'shuffled',
      lenient: false,
    });
    post('poison', { email: ADA, id, status: 400 });
    expect((await user.get(`messages/${id}`)).status).toBe(400);
    post('expire-history', { email: ADA });
    expect((await user.get('history', { startHistoryId: start })).status).toBe(404);
  });

  it('leaves a message out of listings until a command shows it again', async () => {
    const { post, mailbox, user } = await openControl();
    const [id = ''] = fill(mailbox, 1);
    const omission = post<{ id: number }>('omissions', { email: ADA, messageId: id, from: 'label:INBOX' }).body;
    expect([await user.listAll(), await user.listAll({ labelIds: 'INBOX' })]).toEqual([[id], []]);
    post('omissions/remove', { email: ADA, id: omission.id });
    expect(await user.listAll({ labelIds: 'INBOX' })).toEqual([id]);
    post('omissions', { email: ADA, messageId: id });
    expect(await user.listAll()).toEqual([]);
    post('omissions/remove', { email: ADA });
    expect(await user.listAll()).toEqual([id]);
  });

  it('unlists labels, deletes them silently, sets totals off and cuts chats', async () => {
    const { post, read, mailbox, user } = await openControl();
    const label = post<{ id: string }>('labels', { email: ADA, name: 'Trips' }).body.id;
    const [id = ''] = fill(mailbox, 1, ['CHAT', label]);
    post('labels/unlist', { email: ADA, id: label, get: 'missing' });
    expect((await user.get(`labels/${label}`)).status).toBe(404);
    post('labels/relist', { email: ADA, id: label });
    expect((await user.get(`labels/${label}`)).status).toBe(200);
    const head = mailbox.historyId;
    post('labels/delete', { email: ADA, id: label, silent: true });
    expect(
      read<{ messages: { labelIds: string[] }[] }>(`truth?email=${ADA}`).body.messages.map(({ labelIds }) => labelIds),
    ).toEqual([['CHAT']]);
    expect(mailbox.historyId).toBe(head);
    expect(post('totals', { email: ADA, profile: 2, labels: { CHAT: -1 }, spamTrash: false }).body).toEqual({
      profile: 2,
      labels: { CHAT: -1 },
      spamTrash: false,
    });
    expect((await user.get('profile')).body).toMatchObject({ messagesTotal: 3 });
    post('chats', { email: ADA, raw: 'missing' });
    expect((await user.get(`messages/${id}`, { format: 'raw', fields: 'raw' })).body).toEqual({});
  });

  it('takes faults that make answers odd', async () => {
    const { post, mailbox, user } = await openControl();
    const [id = ''] = fill(mailbox, 1);
    post('faults', {
      match: { messageId: id },
      effect: { kind: 'replace', fields: { sizeEstimate: 1.5 }, without: ['snippet'] },
      times: 1,
    });
    expect((await user.get(`messages/${id}`, { format: 'minimal', fields: 'sizeEstimate,snippet' })).body).toEqual({
      sizeEstimate: 1.5,
    });
    for (const kind of ['empty-page', 'cut-page', 'repeat-token', 'empty-object'])
      expect(post('faults', { effect: { kind } }).status).toBe(200);
    expect(post('faults', { effect: { kind: 'intercept', status: 404 } }).status).toBe(200);
  });

  it('adds faults, removes one or all, revokes and grants, counts use and forgets it', async () => {
    const { post, read, user, simulator } = await openControl();
    const id = post<{ id: number }>('faults', {
      match: { method: 'getProfile' },
      effect: { kind: 'status', status: 429 },
    }).body.id;
    expect((await user.get('profile')).status).toBe(429);
    post('faults/remove', { id });
    expect((await user.get('profile')).status).toBe(200);
    post('faults', { effect: { kind: 'status', status: 500 } });
    post('faults/remove');
    expect((await user.get('profile')).status).toBe(200);
    expect(read('usage').body).toMatchObject({ requests: 3, calls: 2, units: 2, rejected: 1 });
    post('usage/reset');
    expect(read('usage').body).toMatchObject({ requests: 0, calls: 0 });
    post('revoke', { email: ADA });
    expect((await user.get('profile')).status).toBe(401);
    const granted = post<ReturnType<typeof simulator.credentialsFor>>('grant', {
      email: ADA,
      scopes: ['https://www.googleapis.com/auth/gmail.readonly'],
    }).body;
    await user.signIn(granted);
    expect((await user.get('profile')).status).toBe(200);
    expect((await user.call('POST', 'labels', { name: 'x' })).status).toBe(403);
  });

  it.each([
    ['lag', { email: ADA, historyMs: -1 }, /historyMs/],
    ['lag', { email: ADA, histroyMs: 1 }, /histroyMs/],
    ['faults', { effect: { kind: 'earthquake' } }, /kind/],
    [
      'faults',
      { match: { method: 'messages.fetch' }, effect: { kind: 'reset' } },
      /"messages\.get".*at match\.method/s,
    ],
    [
      'faults',
      { match: { method: 'constructor' }, effect: { kind: 'reset' } },
      /expected "batch", "token", or a method/,
    ],
    ['faults', { effect: { kind: 'retry-after', until: 1e300 } }, /Too big.*at effect\.until/s],
    ['poison', { email: ADA, id: 'x', status: 404 }, /expected 400, 500, or null/],
    ['omissions', { email: ADA, messageId: 'x', from: 'labels' }, /expected "listing", "all", or "label:".*at from/s],
    ['messages', { email: ADA, labelIds: [] }, /^a message needs either raw or rawBase64url$/],
    ['messages', { email: ADA, raw: 'x', labelIds: ['Trips'] }, /no label with the id "Trips".*\/labels\) makes one/],
    [
      'modify',
      { email: 'nobody@example.com', ids: [] },
      /no mailbox "nobody@.*GET .*mailboxes lists all, POST .*makes/,
    ],
    ['mailboxes', { email: 'Ada' }, /^. "Ada" is not an e-mail address/],
    ['rename', { email: ADA, to: 'bob' }, /"bob" is not an e-mail address.*at to/s],
    ['labels', { email: ADA, name: ' ' }, /^a label needs a name that is not empty$/],
    ['labels/rename', { email: ADA, id: 'INBOX', name: 'x' }, /INBOX is Gmail's own: it cannot be renamed or deleted/],
    ['lag', '{', /^the body is not valid JSON: \S/],
  ])('says what is wrong with the command %s of %j', async (name, body, message) => {
    const { post } = await openControl();
    const refused = post<{ error: string }>(name, body);
    expect(refused.status).toBe(400);
    expect(refused.body.error).toMatch(message);
  });

  it('names the label that has a name already, where the API answers as Gmail does', async () => {
    const { post, user } = await openControl();
    const { id } = post<{ id: string }>('labels', { email: ADA, name: 'Trips' }).body;
    expect(post('labels', { email: ADA, name: 'trips' })).toEqual({
      status: 409,
      body: { error: `${ADA} already has a label "Trips": its id is ${id}` },
    });
    const refused = await user.call<ErrorBody>('POST', 'labels', { name: 'trips' });
    expect(refused.body.error.message).toBe('Label name exists or conflicts');
  });

  it('changes no message when it refuses to delete a label of Gmail’s', async () => {
    const { post, mailbox, user } = await openControl();
    fill(mailbox, 1);
    const before = mailbox.historyId;
    expect(post('labels/delete', { email: ADA, id: 'INBOX' }).status).toBe(400);
    expect((await user.call<ErrorBody>('DELETE', 'labels/INBOX')).body.error.message).toBe('Invalid update request');
    expect(mailbox.truth().map(({ labelIds }) => labelIds)).toEqual([['INBOX']]);
    expect(mailbox.historyId).toBe(before);
  });

  it('says that a message is not deleted, and names what a path and a query lack', async () => {
    const { post, read, mailbox } = await openControl();
    const [id = ''] = fill(mailbox, 1);
    expect(post('restore', { email: ADA, id }).body).toEqual({ error: `message ${id} of ${ADA} is not deleted` });
    expect(post('restore', { email: ADA, id: 'ffff' }).body).toEqual({ error: `message ffff of ${ADA} was not found` });
    expect(read('lag').body).toEqual({ error: 'GET /simulator/lag does not exist, but POST /simulator/lag does' });
    expect(post('truth').body).toEqual({
      error: 'POST /simulator/truth does not exist, but GET /simulator/truth does',
    });
    expect(read('nothing').body).toEqual({
      error: 'GET /simulator/nothing does not exist; docs/simulator.md lists what there is',
    });
    expect(read('truth').body).toEqual({
      error: 'name a mailbox in the query: ?email=…; GET /simulator/mailboxes lists all',
    });
  });

  it('answers 404 for a message or a path that it does not have', async () => {
    const { post, read } = await openControl();
    expect(post('trash', { email: ADA, id: 'ffff' })).toEqual({
      status: 404,
      body: { error: `message ffff of ${ADA} was not found` },
    });
    expect(post('nothing').status).toBe(404);
    expect(read('constructor').status).toBe(404);
  });

  it('gives an account another address: it answers to the new one, and tokens, mail and history stay', async () => {
    const { post, read, user, simulator, mailbox } = await openControl();
    const [id = ''] = fill(mailbox, 1);
    const bob = post<{ email: string }>('mailboxes', { email: 'bob@example.com' }).body.email;
    await user.send('POST', '/gmail/v1/users/me/watch', JSON.stringify({ topicName: 'projects/p/topics/mail' }));
    const told: string[] = [];
    simulator.onNotification(({ emailAddress }) => told.push(emailAddress));
    const head = mailbox.historyId;
    const units = simulator.usage.of(ADA).units;
    expect(post('rename', { email: ADA, to: 'Ada.Lovelace@example.com' })).toEqual({
      status: 200,
      body: { email: 'ada.lovelace@example.com' },
    });
    const { status, body } = await user.get<{ emailAddress: string; historyId: string }>('profile');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { emailAddress: 'ada.lovelace@example.com', historyId: head },
    });
    expect((await user.get('messages/' + id)).status).toBe(200);
    expect(simulator.usage.of('ada.lovelace@example.com').units).toBeGreaterThan(units);
    post('messages', { email: 'ada.lovelace@example.com', raw: plain('two'), labelIds: ['INBOX'] });
    expect(told).toEqual(['ada.lovelace@example.com']);
    expect(read<{ refresh_token: string }>('credentials?email=ada.lovelace@example.com').body.refresh_token).toBe(
      simulator.credentialsFor('ada.lovelace@example.com').refresh_token,
    );
    expect(post('rename', { email: 'ada.lovelace@example.com', to: bob })).toEqual({
      status: 400,
      body: { error: 'The simulator already has a mailbox bob@example.com: choose another address.' },
    });
    expect(post('rename', { email: ADA, to: 'c@example.com' }).status).toBe(400);
  });
});

describe('docs/simulator.md', () => {
  const page = readFileSync(new URL('../../docs/simulator.md', import.meta.url), 'utf8');

  it('has a row for every command of the control API, and for no other', () => {
    const rows = [...page.matchAll(/^\| `POST \/simulator\/([\w/-]+)`/gm)].map(([, name]) => name ?? '');
    expect(rows.toSorted()).toEqual(Object.keys(CONTROL_SCHEMAS).toSorted());
  });

  it('names every field that a command takes', () => {
    for (const [name, schema] of Object.entries(CONTROL_SCHEMAS)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`POST /simulator/${name}\``)) ?? '';
      expect(
        Object.keys(schema.shape)
          .filter((field) => !row.includes(`\`${field}\``))
          .map((field) => `${name}: ${field}`),
      ).toEqual([]);
    }
  });

  it('shows curl examples that the control API takes', async () => {
    const examples = [...page.matchAll(/curl [^\n]*\/simulator\/([\w/-]+) (?:\\\n\s*)?--json '([^']+)'/g)];
    expect(examples.length).toBeGreaterThan(3);
    for (const [, name = '', body = ''] of examples) {
      const schema = Object.entries(CONTROL_SCHEMAS).find(([known]) => known === name)?.[1];
      expect(schema?.safeParse(JSON.parse(body)).success).toBe(true);
    }
  });

  it('names every method that is served', () => {
    expect(Object.keys(pricesOf('2026').units).filter((method) => !page.includes(`\`${method}\``))).toEqual([]);
  });
});
