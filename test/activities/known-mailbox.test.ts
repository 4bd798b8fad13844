import { expect, it, onTestFinished } from 'vitest';

import { followedMailbox, knownMailbox } from '../../src/activities/known-mailbox.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { closeStores } from '../../src/store/open-store.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const ADA = mailboxId('ada@example.com');

it('the error for a mailbox without a row, or without a mark, says why and what happens next', async () => {
  const stores = await openMemoryStores();
  onTestFinished(() => closeStores(stores));
  const deps = { store: stores.store } as const;
  await expect(knownMailbox(deps, ADA)).rejects.toThrow(
    'the database no longer knows ada@example.com: it was removed or renamed, ' +
      'or the database was deleted or replaced; then everything is fetched again',
  );
  await stores.store.putMailbox({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: 1 });
  await expect(followedMailbox(deps, ADA)).rejects.toThrow(
    'the database holds ada@example.com without its mark: everything is listed again',
  );
});
