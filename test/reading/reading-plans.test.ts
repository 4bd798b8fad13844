import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, vi } from 'vitest';
import { reading } from '../fixtures/store/tested-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { closeStoredMail, openStoredMail, type StoredMail } from '../fixtures/store/stored-mail.ts';

describe('reading from SQLite', () => {
  const folder = useFolder();

  /** The plans of the statements on messages that `work` runs on a new reader. */
  async function plansOf(work: (mail: StoredMail) => Promise<unknown>): Promise<readonly string[]> {
    const path = join(folder(), 'mail.sqlite');
    const mail = await openStoredMail(`sqlite:${path}`);
    await mail.mailbox.save(...Array.from({ length: 120 }, (_, n) => reading(`m${n}`, { date: n, thread: 't' })));
    const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare');
    await work(mail);
    const texts = [...new Set(prepare.mock.calls.map(([text]) => text))].filter((text) => /from "messages"/.test(text));
    prepare.mockRestore();
    await closeStoredMail(mail);
    const database = new DatabaseSync(path);
    const plans = texts.flatMap((text) =>
      database
        .prepare(`explain query plan ${text}`)
        .all()
        .map((row) => String(row['detail'])),
    );
    database.close();
    return plans.filter((plan) => /^(SEARCH|SCAN) messages /.test(plan));
  }

  const BY_ID = 'SEARCH messages USING PRIMARY KEY (mailbox_key=? AND id=?)';

  it('goes on at its place in the order by date, whatever the size of the mailbox', async () => {
    const plans = await plansOf(async ({ read }) => {
      for await (const _ of read.messages({ order: 'oldest' }));
      for await (const _ of read.messages({ before: new Date(100) }));
    });
    expect(new Set(plans)).toEqual(
      new Set([
        BY_ID,
        'SEARCH messages USING INDEX messages_by_date (mailbox_key=?)',
        'SEARCH messages USING INDEX messages_by_date (mailbox_key=? AND <expr>>?)',
        'SEARCH messages USING INDEX messages_by_date (mailbox_key=? AND <expr><?)',
      ]),
    );
  });

  it('finds a message by its id, and a thread by its index', async () => {
    const plans = await plansOf(async ({ read }) => {
      await (await read.message('m7'))?.text();
      await read.thread('t');
    });
    expect(new Set(plans)).toEqual(
      new Set([BY_ID, 'SEARCH messages USING COVERING INDEX messages_by_thread (mailbox_key=? AND thread_id=?)']),
    );
  });

  it('finds messages without a description by the index that holds only those', async () => {
    expect(await plansOf(({ stores }) => stores.store.describeStored())).toEqual([
      'SCAN messages USING INDEX messages_to_describe',
    ]);
  });
});
