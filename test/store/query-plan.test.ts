import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, vi } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { added, labelled, openMailbox, reading, record, type TestMailbox } from '../fixtures/store/tested-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';

describe('queries', () => {
  const folder = useFolder();
  const path = () => join(folder(), 'mirror.db');

  /** The plans of the statements on `messages` and its like that `work` runs. */
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

  it('scan no table', async () => {
    const plans = await plansOf(async (mailbox) => {
      await mailbox.apply([record(101, labelled('a', 'X'), added('c'))]);
      await mailbox.pending('live');
      await mailbox.attempt('c', { asOf: 101 });
      await mailbox.counts();
      await mailbox.refreshes();
      await mailbox.store.correctTimes({ mailbox: mailbox.id, now: 1 });
      await mailbox.messages();
      await mailbox.changes();
      await mailbox.store.nextAttemptAt({ mailbox: mailbox.id, lane: 'live', now: 1 });
      await mailbox.store.listFailed(mailbox.id, 5);
      await mailbox.store.addListedLate({ mailbox: mailbox.id, messages: [], since: null, now: 1 });
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
