import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../../../src/model/settings.ts';
import { reading, scope, useMailbox, type StoreFixture } from '../../fixtures/store/tested-store.ts';
import { l } from '../../fixtures/store/contract-messages.ts';

export function settingsPreview(fixture: StoreFixture): void {
  describe('what a mailbox holds, under other settings', () => {
    const open = useMailbox(fixture);

    async function heldUnder(after: MailboxSettings) {
      const mailbox = open();
      await mailbox.put();
      await mailbox.begin(100);
      await mailbox.list(['old', 'new', 'starred', 'unread', 'gone']);
      await mailbox.finish();
      await mailbox.save(
        reading('old', { date: 1_000, labels: ['INBOX'] }),
        reading('new', { date: 5_000, labels: ['INBOX'] }),
        reading('starred', { date: 3_000, labels: ['STARRED'] }),
        reading('spam', { date: 4_000, labels: ['SPAM'] }),
      );
      return mailbox.store.heldUnder({ mailbox: mailbox.id, before: DEFAULT_SETTINGS, after });
    }

    it('loses what the labels and the date of a scope leave out, and keeps what was not read yet', async () => {
      expect(await heldUnder(scope({ labelIds: [l('INBOX')] }))).toMatchObject({ held: 5, leaving: 1, known: 4 });
      expect(await heldUnder(scope({ after: 2_000 }))).toMatchObject({ held: 5, leaving: 1 });
    });

    it('loses nothing by a limit, which only bounds what is fetched first', async () => {
      expect(await heldUnder(scope({ limit: 2 }))).toMatchObject({ held: 5, leaving: 0, known: 5 });
    });

    it('is fetched again in another format, except for what is to be fetched anyway', async () => {
      expect(await heldUnder({ ...DEFAULT_SETTINGS, format: 'raw' })).toMatchObject({ leaving: 0, whole: 3 });
    });
  });
}
