/**
 * Measures the SQLite store's operations per second, in one process, on a file: `node bench/store.ts [messages]`.
 * Bodies are 4 KB of JSON with base64 text, as format=FULL brings them.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HistoryOperation, HistoryRecord, FetchedMessage } from '../src/model/change.ts';
import { historyId, labelId, mailboxId, messageId, threadId } from '../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../src/model/settings.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';

const MESSAGES = Number(process.argv[2] ?? 100_000);
const PAGE = 500;
const BATCH = 50;
const LABELS = 30;

const mailbox = mailboxId('bench@example.com');
const labels = Array.from({ length: LABELS }, (_, index) => labelId(`Label_${index}`));
const idOf = (index: number) => messageId((0x18c0000000000000n + BigInt(index) * 7_919n).toString(16));
const threadOf = (index: number) => threadId(idOf(Math.floor(index / 3) * 3));
const labelsOf = (index: number) => labels.filter((_, label) => (index * 31 + label * 17) % 7 === 0);
const NOW = Date.parse('2026-11-01T00:00:00Z');

function bodyOf(index: number): Buffer {
  const words = Array.from({ length: 330 }, (_, word) =>
    ((index * 2_654_435_761 + word * 40_503) % 65_521).toString(36),
  ).join(' ');
  return Buffer.from(
    JSON.stringify({
      id: idOf(index),
      payload: { mimeType: 'text/plain', body: { data: Buffer.from(words.repeat(2)).toString('base64url') } },
    }),
  );
}

function fetchedMessageOf(index: number): FetchedMessage {
  return {
    id: idOf(index),
    threadId: threadOf(index),
    labelIds: labelsOf(index),
    historyId: historyId(String(1_000 + index)),
    internalDate: NOW - index * 60_000,
    sizeEstimate: 4_096,
    snippet: `message ${index} of the benchmark, with a snippet of a usual length, which is about a hundred characters`,
    body: bodyOf(index),
  };
}

async function timed(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1_000;
  console.log(
    `${what.padEnd(58)} ${seconds.toFixed(2).padStart(7)} s ${Math.round(count / seconds)
      .toLocaleString('en')
      .padStart(10)}/s  ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
const path = join(folder, 'mirror.db');
const store = await openSqliteStore({ path });
await store.putMailbox({ mailbox, settings: DEFAULT_SETTINGS, now: NOW });

async function list(generation: number): Promise<void> {
  const progress = await store.beginFullSync({
    mailbox,
    generation,
    startHistoryId: historyId(String(10_000_000 * generation)),
    now: NOW,
  });
  if (progress === null) throw new Error('the generation was refused');
  for (let position = 0; position < MESSAGES; position += PAGE) {
    const messages = Array.from({ length: Math.min(PAGE, MESSAGES - position) }, (_, index) => ({
      id: idOf(position + index),
      threadId: threadOf(position + index),
    }));
    await store.saveListingPage({ mailbox, generation, messages, position, progress, now: NOW });
  }
}

await timed(`list ${MESSAGES} ids`, MESSAGES, () => list(1));
await timed('finish the first listing', MESSAGES, async () => {
  const confirmed = (await store.getMailbox(mailbox))?.fullSync;
  if (confirmed === null || confirmed === undefined) throw new Error('nothing was listed');
  await store.finishListing({ mailbox, generation: 1, confirmed, labels: 'unread', keepNewest: null, now: NOW });
});
await timed('next 500 pending, 100 times', 100, async () => {
  for (let run = 0; run < 100; run += 1) await store.nextPending({ mailbox, lane: 'backfill', limit: 500, now: NOW });
});
const readings = Math.min(MESSAGES, 30_000);
const batches = Array.from({ length: readings / BATCH }, (_, batch) =>
  Array.from({ length: BATCH }, (_, index) => fetchedMessageOf(batch * BATCH + index)),
);
await timed(`save ${readings} readings of ${bodyOf(1).byteLength} bytes, 50 at a time`, readings, async () => {
  for (const batch of batches) await store.saveFetched({ mailbox, messages: batch, format: 'full', now: NOW });
});
for (let first = readings; first < MESSAGES; first += PAGE) {
  const rest = Array.from({ length: Math.min(PAGE, MESSAGES - first) }, (_, index) => ({
    ...fetchedMessageOf(first + index),
    body: Buffer.from('{}'),
  }));
  await store.saveFetched({ mailbox, messages: rest, format: 'full', now: NOW });
}
await timed('save the first 5,000 again (nothing differs)', 5_000, async () => {
  for (const batch of batches.slice(0, 100))
    await store.saveFetched({ mailbox, messages: batch, format: 'full', now: NOW });
});
await timed('count messages, 20 times', 20, async () => {
  for (let run = 0; run < 20; run += 1) await store.countMessages(mailbox, NOW);
});

let record = 20_000_000;
function labelRecords(records: number, operationsEach: number, kind: 'labelsAdded' | 'labelsRemoved'): HistoryRecord[] {
  return Array.from({ length: records }, (_, row) => {
    record += 1;
    const operations = Array.from({ length: operationsEach }, (_, index): HistoryOperation => {
      const message = (row * operationsEach + index) % MESSAGES;
      return { kind, messageId: idOf(message), threadId: threadOf(message), labelIds: [labelId('STARRED')] };
    });
    return { id: historyId(String(record)), operations };
  });
}
async function apply(records: readonly HistoryRecord[]): Promise<void> {
  const mark = records.at(-1)?.id ?? null;
  await store.applyHistory({
    mailbox,
    generation: 1,
    records,
    mark,
    settle: [],
    settledBefore: historyId('20000000'),
    now: NOW,
  });
}
await timed('history: 20 pages of 500 label operations', 10_000, async () => {
  for (let page = 0; page < 20; page += 1) await apply(labelRecords(500, 1, 'labelsAdded'));
});
await timed('history: one page of 500 records, 10,000 operations', 10_000, () =>
  apply(labelRecords(500, 20, 'labelsRemoved')),
);
await timed('history: 100 empty pages', 100, async () => {
  for (let page = 0; page < 100; page += 1) await apply([]);
});

await timed(`list ${MESSAGES} known ids`, MESSAGES, () => list(2));
const progress = (await store.getMailbox(mailbox))?.fullSync;
if (progress === null || progress === undefined) throw new Error('no full sync');
let labelRows = 0;
for (const label of labels)
  labelRows += Array.from({ length: MESSAGES }, (_, index) => index).filter((index) =>
    labelsOf(index).includes(label),
  ).length;
await timed(`list ${LABELS} labels, ${labelRows} rows`, labelRows, async () => {
  for (const label of labels) {
    const held = Array.from({ length: MESSAGES }, (_, index) => index).filter(
      (index) => labelsOf(index).includes(label) && (index + label.length) % 50 !== 0,
    );
    for (let first = 0; first < held.length; first += PAGE) {
      await store.saveLabelListingPage({
        mailbox,
        generation: 2,
        labelId: label,
        messages: held
          .slice(first, first + PAGE)
          .map((message) => ({ id: idOf(message), threadId: threadId(idOf(message)) })),
        isInScope: true,
        progress,
        now: NOW,
      });
    }
  }
});
await timed('count and list absent', 1, async () => {
  await store.findSuspects({ mailbox, generation: 2, labels: 'compared', listedBefore: null });
});
await timed('finish the second listing, labels compared, 2% differ', MESSAGES, async () => {
  console.log(
    await store.finishListing({
      mailbox,
      generation: 2,
      confirmed: progress,
      labels: 'compared',
      keepNewest: null,
      now: NOW,
    }),
  );
});
let streamed = 0;
await timed('stream every message', MESSAGES, async () => {
  for await (const message of store.streamMessages(mailbox)) streamed += message.body?.byteLength ?? 0;
});
await timed('ledger updates', 5_000, async () => {
  for (let run = 0; run < 5_000; run += 1)
    await store.update(mailbox, () => ({ ledger: String(run), result: undefined }));
});
console.log(`${streamed} bytes of bodies; the file holds ${statSync(path).size}`);
await store.close();
rmSync(folder, { recursive: true });
