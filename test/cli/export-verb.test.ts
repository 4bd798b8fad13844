import { mkdtempSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { databaseAt } from '../../src/model/database-location.ts';
import type { FetchedMessage } from '../../src/model/change.ts';
import { historyId, mailboxId, messageId, threadId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS, type MessageFormat } from '../../src/model/settings.ts';
import { openStores } from '../../src/store/open-store.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import { tidemark } from '../fixtures/system/cli.ts';

const ADA = mailboxId('ada@example.com');
const DEPTH = 20_000;

let dataDir: string;
let path: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidemark-export-'));
  path = join(dataDir, 'mail.sqlite');
});
afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

async function store(
  bodies: Record<string, string>,
  format: MessageFormat,
  withoutRaw: Record<string, string> = {},
): Promise<void> {
  const { store: mirror, credentials } = await openStores(databaseAt(`sqlite:${path}`));
  await mirror.putMailbox({ mailbox: ADA, settings: { ...DEFAULT_SETTINGS, format }, now: 1 });
  const fetched = (all: Record<string, string>) =>
    Object.entries(all).map(([id, body]): FetchedMessage => ({
      id: messageId(id),
      threadId: threadId(id),
      labelIds: [],
      historyId: historyId('5'),
      internalDate: 1_000,
      sizeEstimate: 10,
      snippet: '',
      body: Buffer.from(body),
    }));
  await mirror.saveFetched({ mailbox: ADA, messages: fetched(bodies), format, now: 1 });
  await mirror.saveFetched({
    mailbox: ADA,
    messages: fetched(withoutRaw).map((message) => ({ ...message, lacks: 'raw' as const })),
    format: 'full',
    now: 1,
  });
  await mirror.close();
  await credentials.close();
}

const run = (...args: readonly string[]) =>
  tidemark({ HOME: dataDir, TIDEMARK_DATA_DIR: dataDir, DATABASE_URL: `sqlite:${path}` }, ...args);

const nested = (depth: number): string =>
  `${'{"mimeType":"multipart/mixed","parts":['.repeat(depth)}{"mimeType":"text/plain"}${']}'.repeat(depth)}`;

it('A message that is nested very deeply, or whose body is not JSON, does not stop the export of others', async () => {
  await store(
    {
      a: '{"payload":{"mimeType":"text/plain"}}',
      b: `{"payload":${nested(DEPTH)}}`,
      c: 'no JSON at all',
      d: '{"payload":{"mimeType":"text/html"}}',
    },
    'full',
  );
  const { code, stdout, stderr } = await run('export', ADA);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toContain('"payload":{"mimeType":"text/plain"}');
  expect(lines[1]).toContain(`"payload":${nested(DEPTH)}`);
  expect(JSON.parse(lines[2] ?? '')).toMatchObject({ id: 'c' });
  expect(lines[3]).toContain('"payload":{"mimeType":"text/html"}');
});

it.each(['export', 'check-bodies'])(
  'Numbers too large for JavaScript, which an earlier version stored, do not stop %s',
  async (verb) => {
    await store({ a: '{}', b: '{}', c: '{}' }, 'full');
    const database = new DatabaseSync(path);
    database.exec(
      "update messages set size_estimate = 9007199254740993 where id = 'a'; " +
        "update messages set internal_date = 9223372036854775807 where id = 'b'",
    );
    database.close();
    const { code, stdout, stderr } = await run(verb, ADA);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const read =
      verb === 'export'
        ? stdout
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as unknown)
        : [];
    expect(read).toMatchObject(
      verb === 'export'
        ? [
            { id: 'a', sizeEstimate: 0, internalDate: 1_000 },
            { id: 'b', sizeEstimate: 10, internalDate: null },
            { id: 'c' },
          ]
        : [],
    );
  },
);

it('A chat in a mailbox of raw messages is exported as full, says what it lacks, and is left out of mbox', async () => {
  await store({ a: 'Subject: hi\r\n\r\nhello' }, 'raw', { chat: '{"payload":{"mimeType":"text/plain"}}' });
  const jsonl = await run('export', ADA);
  expect(
    jsonl.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { id: 'a', raw: expect.anything() },
    { id: 'chat', lacks: 'raw', payload: { mimeType: 'text/plain' } },
  ]);
  expect(jsonl.stdout.match(/"lacks"/g)).toHaveLength(1);
  const mbox = await run('export', ADA, '--format', 'mbox');
  expect(mbox.code).toBe(0);
  expect(mbox.stdout.match(/^From /gm)).toHaveLength(1);
  expect(mbox.stderr).toMatch(/^1 message of ada@example.com left out: Gmail gave no raw of them/);
});

it('An export says what it leaves out, and ends with 3, if asked to, when messages could not be fetched', async () => {
  const { store: mirror, credentials } = await openStores(databaseAt(`sqlite:${path}`));
  const mailbox = new TestMailbox(mirror, ADA);
  await mailbox.put({ ...DEFAULT_SETTINGS, format: 'raw' });
  await mailbox.begin(100);
  await mailbox.list(['a', 'b', 'c', 'd', 'e']);
  await mailbox.saveAs('raw', reading('a'));
  await mailbox.failFetch('b', { state: 'failed', attempts: 20, nextAttemptAt: mailbox.now + 60_000 });
  const told = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await run('export', ADA, ...args);
    return {
      code,
      messages: stdout
        .trimEnd()
        .split('\n')
        .filter((line) => /^(\{|From )/.test(line)).length,
      stderr,
    };
  };
  const leftOut =
    `Left out of the export of ${ADA}: 3 messages of the full sync still to fetch; ` +
    `1 message could not be fetched: tidemark failures ${ADA}. ` +
    `See how far it is: tidemark status ${ADA}\n`;
  for (const format of ['jsonl', 'mbox'])
    expect(await told('--format', format)).toEqual({ code: 0, messages: 1, stderr: leftOut });
  expect(await told('--fail-on-failures')).toMatchObject({ code: 3, messages: 1 });
  await mailbox.saveAs('raw', reading('b'), reading('c'), reading('d'), reading('e'));
  expect(await told('--fail-on-failures')).toEqual({ code: 0, messages: 5, stderr: '' });
  await mirror.close();
  await credentials.close();
});

it('A damaged body in the database does not stop the export of others, and is fetched again', async () => {
  await store({ a: `{"payload":{"text":"${'a'.repeat(500)}"}}`, b: '{"payload":{}}' }, 'full');
  const database = new DatabaseSync(path);
  database.exec("update bodies set body = x'28b52ffd0000' where message_id = 'a'");
  const { code, stdout, stderr } = await run('export', ADA);
  expect({
    code,
    ids: stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id),
  }).toEqual({ code: 1, ids: ['b'] });
  expect(stderr).toMatch(
    /^tidemark: 1 message of ada@example.com left out: their bodies are lost, and a partial sync fetches them again/,
  );
  expect(
    database
      .prepare('select id, state from messages order by id')
      .all()
      .map(({ id, state }) => `${String(id)} ${String(state)}`),
  ).toEqual(['a pending', 'b stored']);
  database.close();
  expect(await run('check-bodies', ADA)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 message read; bodies missing 0, damaged 0'),
  });
});

it('check-bodies promises a fetch only with a partial sync, since the mailbox may not run', async () => {
  await store({ a: `{"payload":{"text":"${'a'.repeat(500)}"}}` }, 'full');
  const database = new DatabaseSync(path);
  database.exec("update bodies set body = x'28b52ffd0000' where message_id = 'a'");
  database.close();
  expect((await run('check-bodies', ADA)).stderr).toBe(
    'tidemark: ada@example.com lost the bodies of 1 message. A partial sync fetches them again; ' +
      'to have one now: tidemark sync ada@example.com --wait\n',
  );
});
