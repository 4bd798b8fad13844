import { describe, expect, it } from 'vitest';
import { messageId, threadId } from '../../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import {
  deleted,
  h,
  reading,
  record,
  useMailbox,
  type StoreFixture,
  type TestMailbox,
} from '../../fixtures/store/tested-store.ts';

/** More than the store looks at to estimate what is left. */
const MANY = 12_000;

export function progress(fixture: StoreFixture): void {
  describe('the progress of a mailbox', () => {
    const open = useMailbox(fixture);

    /** Twice, since the second answer may come from what the first one counted. */
    async function progressOf(mailbox: TestMailbox): Promise<string> {
      const [first, again] = [
        await mailbox.store.countProgress(mailbox.id),
        await mailbox.store.countProgress(mailbox.id),
      ];
      expect(again).toEqual(first);
      const { stored, pending, failed, isBackfilling } = first;
      expect(await mailbox.counts()).toMatchObject({ stored, pending, failed });
      return `${stored} ${pending} ${failed}${isBackfilling ? ' backfilling' : ''}`;
    }

    it('is right after a message comes, fails, is stored or leaves', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      await mailbox.list(['a', 'b', 'c']);
      expect(await progressOf(mailbox)).toBe('0 3 0 backfilling');
      await mailbox.finish();
      mailbox.now += 10_000;
      await mailbox.save(reading('a'), reading('b'));
      await mailbox.failFetch('c', { asOf: 101 });
      expect(await progressOf(mailbox)).toBe('2 0 1');
      await mailbox.save(reading('c'));
      expect(await progressOf(mailbox)).toBe('3 0 0');
      await mailbox.apply([record(101, deleted('b'))]);
      expect(await progressOf(mailbox)).toBe('2 0 0');
    });

    it('follows messages that are fetched again in another format', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a'), reading('b')]);
      expect(await progressOf(mailbox)).toBe('2 0 0');
      const { store, id, now } = mailbox;
      const settings = { ...DEFAULT_SETTINGS, format: 'raw' } as const;
      mailbox.generation = 2;
      await store.beginFullSync({ mailbox: id, generation: 2, startHistoryId: h(200), settings, now });
      await mailbox.list(['a', 'b']);
      await mailbox.finish();
      expect(await progressOf(mailbox)).toBe('0 2 0 backfilling');
    });
  });

  describe('the work that is left of very many messages', () => {
    const open = useMailbox(fixture);

    it('is estimated by the messages that are fetched next', async () => {
      const mailbox = open();
      await mailbox.begin(100);
      const messages = Array.from({ length: MANY }, (_, index) => ({
        id: messageId((0x18c0000000000000n + BigInt(index)).toString(16)),
        threadId: threadId(`t${Math.floor(index / 3)}`),
      }));
      const { store, id, now, generation } = mailbox;
      const page = { mailbox: id, generation, position: 0, now };
      await store.saveListingPage({ ...page, messages, progress: await mailbox.progress() });
      const { threads } = await store.workLeft({ mailbox: id, attachments: false });
      const left = threads.reduce((sum, { fresh, threads: count }) => sum + fresh * count, 0);
      expect(left / MANY).toBeCloseTo(1, 3);
      expect(threads.find(({ fresh }) => fresh === 3)?.threads ?? 0).toBeGreaterThan(MANY / 3 - 10);
    });
  });
}
