import { expect, it } from 'vitest';

import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { closeStores } from '../../src/store/open-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const ADA = mailboxId('ada@example.com');

it('settings of an earlier build, which lack a field, can be replaced by a caller that has read them', async () => {
  const { store, database, ...stores } = await openMemoryStores();
  await store.putMailbox({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: 1 });
  const { push: _, ...known } = DEFAULT_SETTINGS;
  await database.write((tx) =>
    tx
      .updateTable('mailboxes')
      .set({ settings: JSON.stringify(known) })
      .execute(),
  );
  const read = await store.getMailbox(ADA);
  const settings = { ...DEFAULT_SETTINGS, pollInterval: 5_000 };
  const row = await store.putMailbox({ mailbox: ADA, settings, replaces: read?.settings ?? DEFAULT_SETTINGS, now: 2 });
  expect(row.settings.pollInterval).toBe(5_000);
  await closeStores({ store, database, ...stores });
});
