import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { describe, expect, it, vi } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import {
  added,
  deleted,
  labelled,
  openMailbox,
  reading,
  record,
  type TestMailbox,
} from '../fixtures/store/tested-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

describe('queries', () => {
  const folder = useFolder();
  const path = () => join(folder(), 'mirror.db');

  /** The plans of the statements that `work` runs. */
  async function plansOf(work: (mailbox: TestMailbox) => Promise<unknown>): Promise<readonly string[]> {
    const mailbox = await openMailbox({ name: '', open: () => openSqliteStore({ path: path() }) });
    await mailbox.sync([reading('a'), reading('b')]);
    const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
    await work(mailbox);
    const texts = [...new Set(prepare.mock.calls.map(([text]) => text))].filter((text) =>
      /^\s*(select|update|delete|insert)/i.test(text),
    );
    prepare.mockRestore();
    await mailbox.store.close();
    const database = new DatabaseSync(path());
    const plans = texts.flatMap((text) =>
      database
        .prepare(`explain query plan ${text}`)
        .all()
        .map((row) => String(row['detail'])),
    );
    database.close();
    expect(plans).not.toEqual([]);
    return plans;
  }

  it('for the next pending work walk the index of the work to do, in its order', async () => {
    const plans = await plansOf((mailbox) => mailbox.pending('backfill'));
    expect(plans.filter((plan) => plan.includes('messages_to_fetch'))).toEqual([
      'SEARCH messages USING INDEX messages_to_fetch (mailbox_key=? AND lane=? AND next_attempt_at=?)',
      'SEARCH messages USING INDEX messages_to_fetch (mailbox_key=? AND lane=? ' +
        'AND next_attempt_at>? AND next_attempt_at<?)',
    ]);
  });

  it('for messages to refresh walk the index that holds only those', async () => {
    expect(await plansOf((mailbox) => mailbox.refreshes())).toContain(
      'SEARCH messages USING INDEX messages_to_refresh (mailbox_key=? AND refresh_at<?)',
    );
  });

  it('of a poll read only rows with work, however many messages the mailbox has', async () => {
    const plans = await plansOf(async (mailbox) => {
      const { id, now, store } = mailbox;
      await store.getMailbox(id);
      await store.correctTimes({ mailbox: id, now });
      await store.getLabels(id);
      await mailbox.apply([]);
      await mailbox.pending('live');
      await store.listEarlyReadings({ mailbox: id, now, limit: 500 });
      await mailbox.refreshes();
      for (const lane of ['live', 'backfill'] as const) await store.nextAttemptAt({ mailbox: id, lane, now });
      await store.countProgress(id);
      await mailbox.begin(200);
      await mailbox.list(['c']);
      await store.countProgress(id);
      await store.workLeft({ mailbox: id, attachments: false });
      await store.getUsage(id);
      await store.getLedger(id);
    });
    expect(plans.filter((plan) => plan.includes('messages') && /\(mailbox_key=\?\)/.test(plan))).toEqual([]);
  });

  it('of a poll count the stored messages only after something changed', async () => {
    const mailbox = await openMailbox({ name: '', open: () => openSqliteStore({ path: path() }) });
    await mailbox.sync([reading('a'), reading('b')]);
    const all = vi.spyOn(StatementSync.prototype, 'all');
    const countings = async (): Promise<number> => {
      all.mockClear();
      const { stored } = await mailbox.store.countProgress(mailbox.id);
      const countings = all.mock.calls.filter((values) => values[1] === 'stored').length;
      expect(stored).toBe((await mailbox.counts()).stored);
      return countings;
    };
    expect([await countings(), await countings()]).toEqual([1, 0]);
    await mailbox.apply([record(101, deleted('a'))]);
    expect([await countings(), await countings()]).toEqual([1, 0]);
    all.mockRestore();
    await mailbox.store.close();
  });

  it('scan no table', async () => {
    const plans = await plansOf(async (mailbox) => {
      await mailbox.apply([record(101, labelled('a', 'X'), added('c'))]);
      await mailbox.pending('live');
      await mailbox.failFetch('c', { asOf: 101 });
      await mailbox.counts();
      await mailbox.refreshes();
      await mailbox.store.correctTimes({ mailbox: mailbox.id, now: 1 });
      await mailbox.messages();
      await mailbox.changes();
      await mailbox.store.nextAttemptAt({ mailbox: mailbox.id, lane: 'live', now: 1 });
      await mailbox.store.listFailed(mailbox.id, 5);
      await mailbox.store.addListedLate({
        mailbox: mailbox.id,
        generation: mailbox.generation,
        messages: [],
        since: null,
        now: 1,
      });
      await mailbox.begin(200);
      await mailbox.list(['a', 'd']);
      await mailbox.listLabels({ X: ['a'] });
      await mailbox.suspects();
      await mailbox.finish({ labels: 'compared', keepNewest: 5 });
      await mailbox.store.getLabels(mailbox.id);
      await mailbox.store.getUsage(mailbox.id);
    });
    expect(
      plans.filter(
        (plan) => plan.startsWith('SCAN') && !plan.startsWith('SCAN json_each') && plan !== 'SCAN CONSTANT ROW',
      ),
    ).toEqual([]);
  });
});
