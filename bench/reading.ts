import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { historyId, labelId, mailboxId, messageId, threadId } from '../src/model/ids.ts';
import type { FetchedMessage } from '../src/model/change.ts';
import { DEFAULT_SETTINGS } from '../src/model/settings.ts';
import { openReader } from '../src/reading/index.ts';
import { encodeBody } from '../src/store/bodies/body-codec.ts';
import { describeBody } from '../src/store/headers/describe-body.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import { idOf, messageRows } from './message-rows.ts';
import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';

const MESSAGES = 1_000_000;
const READS = 2_000;
const SAVED = 5_000;
const BATCH = 50;
const mailbox = mailboxId('bench@example.com');

/** A message of 4 KB, as format=FULL brings it. */
function bodyOf(index: number): Buffer {
  const words = Array.from({ length: 400 }, (_, word) =>
    ((index * 2_654_435_761 + word * 40_503) % 65_521).toString(36),
  );
  const headers = [
    ['From', `Somebody ${index} <somebody${index}@example.com>`],
    ['To', 'Ada <ada@example.com>, bob@example.com'],
    ['Subject', `=?utf-8?Q?Gr=C3=BC=C3=9Fe_${index}?=`],
    ['Date', 'Sat, 28 Nov 2026 12:00:00 +0100'],
    ['Message-ID', `<${index}@example.com>`],
    ['Content-Type', 'text/plain; charset=utf-8'],
  ].map(([name, value]) => ({ name, value }));
  const data = Buffer.from(words.join(' ')).toString('base64url');
  return Buffer.from(JSON.stringify({ id: idOf(index), payload: { mimeType: 'text/plain', headers, body: { data } } }));
}

const percentile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0;

function fill(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('pragma synchronous = off; begin');
  const writeMessage = messageRows(database);
  const body = database.prepare("insert into bodies values (1, ?, 'zstd', ?)");
  const headers = database.prepare(
    "insert into message_headers values (1, ?, ?, 'Somebody', 'somebody@example.com', " +
      `'[["to","Ada","ada@example.com"]]', 1, '<1@example.com>', 0)`,
  );
  const bodies = Array.from({ length: 500 }, (_, index) => encodeBody(bodyOf(index)).bytes);
  for (let index = 0; index < MESSAGES; index += 1) {
    const labels = index % 100_000 === 7 ? ['INBOX', 'Label_rare'] : index % 10 === 0 ? ['INBOX'] : ['Label_old'];
    writeMessage(index, labels);
    body.run(idOf(index), bodies[index % bodies.length] ?? new Uint8Array());
    headers.run(idOf(index), `Grüße ${index}`);
  }
  database.exec('commit');
  database.close();
}

async function prepared(path: string): Promise<void> {
  const store = await openSqliteStore({ path });
  await store.putMailbox({ mailbox, settings: DEFAULT_SETTINGS, now: 1 });
  const label = (id: string) => ({ id: labelId(id), name: id, type: 'user' }) as const;
  await store.saveLabels({ mailbox, labels: [label('INBOX'), label('Label_rare'), label('Label_old')], now: 1 });
  await store.close();
  fill(path);
}

async function timesOf(count: number, work: (run: number) => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let run = 0; run < count; run += 1) {
    const began = performance.now();
    await work(run);
    times.push(performance.now() - began);
  }
  return times;
}

async function reads(path: string): Promise<readonly Figure[]> {
  const reader = await openReader({ database: `sqlite:${path}` });
  try {
    const read = reader.mailbox(mailbox);
    const one = await timesOf(READS, async (run) => {
      const message = await read.message(idOf((run * 7_919_317) % MESSAGES));
      const text = await message?.text();
      if (message?.subject === undefined || (text ?? '').length < 1_000)
        throw new InvalidRunError('a message was not read');
    });
    const page = await timesOf(50, async (run) => {
      let subjects = 0;
      for await (const { subject } of read.messages({ before: new Date((run + 1) * 1e9) }))
        if (subject !== null && (subjects += 1) === 50) return;
    });
    const [rare = 0] = await timesOf(1, async () => {
      let found = 0;
      for await (const _ of read.messages({ label: 'Label_rare' })) found += 1;
      if (found !== MESSAGES / 100_000) throw new InvalidRunError(`${found} messages of the rare label were found`);
    });
    const note = `${MESSAGES.toLocaleString('en')} messages in SQLite`;
    return [
      {
        name: 'one message of 4 KB read and decoded, p95',
        value: percentile(one, 0.95),
        unit: 'ms',
        bound: { is: 'at most', value: 5 },
        note,
      },
      {
        name: 'the newest 50 subjects before a date, p95',
        value: percentile(page, 0.95),
        unit: 'ms',
        bound: null,
        note,
      },
      { name: 'all 10 messages of a rare label', value: rare, unit: 'ms', bound: null, note },
    ];
  } finally {
    await reader.close();
  }
}

/** The share of the time of storing messages that goes into reading their headers. */
async function costOfHeaders(path: string): Promise<Figure> {
  const store = await openSqliteStore({ path });
  await store.putMailbox({ mailbox, settings: DEFAULT_SETTINGS, now: 1 });
  const fetched = (index: number): FetchedMessage => ({
    id: messageId(idOf(index)),
    threadId: threadId(idOf(index)),
    labelIds: [labelId('INBOX')],
    historyId: historyId('10'),
    internalDate: index,
    sizeEstimate: 4_096,
    snippet: 'a snippet',
    body: bodyOf(index),
  });
  const batches = Array.from({ length: SAVED / BATCH }, (_, batch) =>
    Array.from({ length: BATCH }, (_message, index) => fetched(batch * BATCH + index)),
  );
  const sum = (times: readonly number[]): number => times.reduce((total, time) => total + time, 0);
  const described = sum(
    await timesOf(batches.length, async (run) => {
      for (const { body } of batches[run] ?? []) await describeBody('full', body);
    }),
  );
  const saved = sum(
    await timesOf(batches.length, (run) =>
      store.saveFetched({ mailbox, messages: batches[run] ?? [], format: 'full', now: 1 }),
    ),
  );
  await store.close();
  return {
    name: 'reading headers, as a share of the time of storing',
    value: described / saved,
    unit: '',
    bound: { is: 'at most', value: 0.35 },
    note: `${((described / SAVED) * 1_000).toFixed(0)} µs of ${((saved / SAVED) * 1_000).toFixed(0)} µs a message`,
  };
}

export const reading: Bench = {
  name: 'reading',
  about: 'reads one message and the newest subjects of 1,000,000, and measures what stored headers cost',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
    try {
      const cost = await costOfHeaders(join(folder, 'saved.sqlite'));
      const path = join(folder, 'mail.sqlite');
      await prepared(path);
      return [...(await reads(path)), cost];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};
