import { describe, expect, it } from 'vitest';

import { listUsers } from '../../src/gmail/access/directory.ts';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import type { GmailSession, ListMessagesQuery } from '../../src/gmail/api/gmail-api.ts';
import type { HttpRequest, Transport } from '../../src/gmail/api/transport.ts';
import { historyId } from '../../src/model/ids.ts';
import type { Simulator } from '../../src/simulator/simulator.ts';
import { ADA, openGmail, openSessions, pricesAt } from '../fixtures/gmail/gmail-fixture.ts';

/** More calls than any test makes. A walk without end would otherwise never give a test its turn to fail. */
const MANY = 1_000;

type Answers = (token: string | null, asked: number) => object;

/** A Gmail whose `method` answers what `answers` gives for a page token; the simulator answers every other call. */
function open(method: string, answers: Answers) {
  const asked: (string | null)[] = [];
  const transport =
    (simulator: Simulator): Transport =>
    async (request: HttpRequest) => {
      const url = new URL(request.url);
      if (!url.pathname.endsWith(method)) return await simulator.transport(request);
      const token = url.searchParams.get('pageToken');
      asked.push(token);
      if (asked.length > MANY) throw new Error('the same pages are read without end');
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(answers(token, asked.length))) };
    };
  const gmail = openGmail({ transport });
  return {
    ...gmail,
    asked,
    session: openSessions(gmail, pricesAt(1_000_000)).open('backfill'),
    transport: transport(gmail.simulator),
  };
}

const failureOf = async (promise: Promise<unknown>): Promise<GmailError> => {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof GmailError) return error;
  throw error ?? new Error('it did not fail');
};

const QUERY = { includeSpamTrash: false } satisfies Omit<ListMessagesQuery, 'pageToken'>;
const messages = (session: GmailSession, pageToken: string | null) => session.listMessages({ ...QUERY, pageToken });
const history = (session: GmailSession, pageToken: string | null) =>
  session.listHistory({ startHistoryId: historyId('1'), pageToken });

describe.each([
  ['messages.list', '/messages', {}, messages],
  ['history.list', '/history', { historyId: '9' }, history],
] as const)('a next page of %s that was read already', (method, path, fields, list) => {
  it('is asked for again, and the walk goes on if the next answer is right', async () => {
    const { clock, session } = open(path, (token, asked) => ({
      ...fields,
      nextPageToken: token === null || asked === 2 ? 'a' : 'b',
    }));
    await clock.run(async () => {
      expect((await list(session, null)).nextPageToken).toBe('a');
      expect((await list(session, 'a')).nextPageToken).toBe('b');
    });
  });

  it('makes the listing begin again once, then fails and names the method', async () => {
    const circle: Record<string, string> = { a: 'b', b: 'c', c: 'a' };
    const { clock, session, asked } = open(path, (token) => ({ ...fields, nextPageToken: circle[token ?? 'c'] }));
    await clock.run(async () => {
      for (const token of [null, 'a', 'b']) await list(session, token);
      expect((await failureOf(list(session, 'c'))).failure).toEqual({
        kind: 'invalid-request',
        reason: 'invalidPageToken',
      });
      for (const token of [null, 'a', 'b']) await list(session, token);
      const { failure, message } = await failureOf(list(session, 'c'));
      expect(failure).toMatchObject({ kind: 'unavailable' });
      expect(message).toBe(
        `ada@example.com: Gmail gave no usable answer to ${method} (HTTP 200: ` +
          'its next page is one that was read already).',
      );
    });
    expect(asked.length).toBeLessThanOrEqual(16);
  });

  it('is accepted in another walk', async () => {
    const { clock, session } = open(path, (token) => ({ ...fields, nextPageToken: token === null ? 'a' : undefined }));
    await clock.run(async () => {
      for (let walk = 0; walk < 3; walk++)
        for (const token of [null, 'a'])
          expect((await list(session, token)).nextPageToken).toBe(token === null ? 'a' : null);
    });
  });
});

it('a directory whose pages lead in a circle fails, and names itself', async () => {
  const { clock, tokens, transport, simulator, asked } = open('/users', (token) => ({
    users: [{ primaryEmail: 'ada@example.com' }],
    nextPageToken: token === 'a' ? 'b' : 'a',
  }));
  const read = async (): Promise<number> => {
    let users = 0;
    for await (const user of listUsers({
      tokens,
      administrator: ADA,
      orgUnit: null,
      transport,
      rootUrl: simulator.rootUrl,
      clock,
    }))
      if (user.mailbox === ADA) users += 1;
    return users;
  };
  await clock.run(async () => {
    await expect(read()).rejects.toThrow(
      /Directory API .* no usable answer \(HTTP 200: its next page is one that was read already\)/,
    );
  });
  expect(asked.length).toBeLessThan(10);
});
