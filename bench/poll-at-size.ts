import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { historyId, labelId, mailboxId } from '../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../src/model/settings.ts';
import type { MailboxStore } from '../src/store/mailbox-store.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import { messageRows } from './message-rows.ts';
import { InvalidRunError, type Bench } from '../test/fixtures/measured/figure.ts';

const SMALL = 10_000;
const LARGE = 1_000_000;
const POLLS = 200;
const mailbox = mailboxId('bench@example.com');

function fill(path: string, messages: number): void {
  const database = new DatabaseSync(path);
  database.exec('pragma synchronous = off; begin');
  const write = messageRows(database);
  for (let index = 0; index < messages; index += 1) write(index, ['INBOX']);
  database.exec('commit');
  database.close();
}

async function filledStore(path: string, messages: number): Promise<MailboxStore> {
  const store = await openSqliteStore({ path });
  await store.putMailbox({ mailbox, settings: DEFAULT_SETTINGS, now: 1 });
  await store.saveLabels({ mailbox, labels: [{ id: labelId('INBOX'), name: 'INBOX', type: 'system' }], now: 1 });
  const started = { mailbox, generation: 1, startHistoryId: historyId('10'), settings: DEFAULT_SETTINGS, now: 1 };
  const progress = await store.beginFullSync(started);
  if (progress === null) throw new InvalidRunError('the full sync did not begin');
  await store.saveProgress({ mailbox, generation: 1, progress: { ...progress, step: 'done', finishedAt: 1 } });
  fill(path, messages);
  return store;
}

/** What a partial sync that finds nothing asks of the store, in its order. */
async function poll(store: MailboxStore, now: number): Promise<number> {
  await store.getMailbox(mailbox);
  await store.correctTimes({ mailbox, now });
  await store.getLabels(mailbox);
  await store.applyHistory({
    mailbox,
    generation: 1,
    records: [],
    mark: historyId('10'),
    settle: [],
    settledBefore: historyId('10'),
    now,
  });
  await store.nextPending({ mailbox, lane: 'live', limit: 500, now });
  await store.listEarlyReadings({ mailbox, now, limit: 50_000 });
  await store.nextRefresh({ mailbox, limit: 50, now });
  await store.nextAttemptAt({ mailbox, lane: 'live', now });
  await store.nextAttemptAt({ mailbox, lane: 'backfill', now });
  const { stored } = await store.countProgress(mailbox);
  await store.getMailbox(mailbox);
  await store.getLedger(mailbox);
  await store.workLeft({ mailbox, attachments: false });
  await store.getUsage(mailbox);
  return stored;
}

/** Ms of a poll: the median, and the longest one, which counts the messages. */
async function pollTimes(messages: number): Promise<{ readonly median: number; readonly longest: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const store = await filledStore(join(folder, 'mirror.db'), messages);
  try {
    const times: number[] = [];
    for (let run = 0; run < POLLS; run += 1) {
      const began = performance.now();
      if ((await poll(store, run)) !== messages) throw new InvalidRunError('the messages were not all counted');
      times.push(performance.now() - began);
    }
    times.sort((a, b) => a - b);
    return { median: times[POLLS / 2] ?? 0, longest: times.at(-1) ?? 0 };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const pollAtSize: Bench = {
  name: 'poll-at-size',
  about: `what a poll that finds nothing asks of the store, at ${LARGE.toLocaleString('en')} messages`,
  async run() {
    const small = await pollTimes(SMALL);
    const large = await pollTimes(LARGE);
    const note = `${large.median.toFixed(2)} ms to ${small.median.toFixed(2)} ms, medians of ${POLLS}`;
    return [
      {
        name: `a poll's time in the store, ${LARGE.toLocaleString('en')} to ${SMALL.toLocaleString('en')} messages`,
        value: large.median / small.median,
        unit: '',
        bound: { is: 'at most', value: 2 },
        note,
      },
      {
        name: '  the first poll, or one after a change, which counts the messages',
        value: large.longest,
        unit: 'ms',
        bound: null,
        note: `${small.longest.toFixed(1)} ms at ${SMALL.toLocaleString('en')}`,
      },
    ];
  },
};
