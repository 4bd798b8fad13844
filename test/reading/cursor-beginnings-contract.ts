import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FeedChange } from '../../src/model/change.ts';
import { parseFeedCursor, type FeedCursor } from '../../src/model/feed-cursor.ts';
import { mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { EVERY_CHANGE, type SubscriptionDefinition } from '../../src/model/subscription.ts';
import { endOfChanges, followChanges } from '../../src/reading/follow-changes.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import type { ReplayedMailbox } from '../../src/store/subscriptions/subscription-store.ts';
import { beginNext } from '../fixtures/store/begin-next.ts';
import { CRM } from '../fixtures/store/crm-deliveries.ts';
import { reading, TestMailbox } from '../fixtures/store/tested-store.ts';
import type { FeedFixture } from './change-feed-contract.ts';

interface NumberedChange {
  readonly mailbox: MailboxId;
  readonly sequence: number;
}

const brief = ({ mailbox, sequence }: NumberedChange): string => `${mailbox.slice(0, 3)} ${sequence}`;
/** Deliveries of different mailboxes have no common order. */
const byMailbox = (changes: readonly NumberedChange[]): readonly string[] =>
  changes.toSorted((a, b) => a.mailbox.localeCompare(b.mailbox) || a.sequence - b.sequence).map(brief);

/** What every database must do for deliveries that begin at a cursor of the change feed. */
export function cursorBeginningsContract(fixture: FeedFixture): void {
  describe(`deliveries that begin at a cursor, on ${fixture.name}`, () => {
    let stores: Stores;
    let ada: TestMailbox;
    let bob: TestMailbox;
    beforeEach(async () => {
      stores = await fixture.open();
      [ada, bob] = [await mailboxOf('ada@example.com'), await mailboxOf('bob@example.com')];
    });
    afterEach(() => closeStores(stores));

    async function mailboxOf(email: string): Promise<TestMailbox> {
      const mailbox = new TestMailbox(stores.store, mailboxId(email));
      await mailbox.put();
      return mailbox;
    }

    const subscribe = (cursor: string, changes: Partial<SubscriptionDefinition> = {}) =>
      stores.store.putSubscription({
        definition: { ...CRM, ...changes },
        beginning: { kind: 'cursor', cursor },
        now: 1,
      });

    async function readAll(request: { after?: string; mailbox?: MailboxId } = {}): Promise<readonly FeedChange[]> {
      const changes: FeedChange[] = [];
      for await (const change of followChanges(stores.database, { ...request, follow: false })) changes.push(change);
      return changes;
    }

    const add = (mailbox: TestMailbox, count: number) =>
      mailbox.save(...Array.from({ length: count }, () => reading(`m${(messages += 1)}`)));
    let messages = 0;

    /** Changes in segments of several sizes, and a mailbox that is added late. */
    async function fill(): Promise<TestMailbox> {
      await add(ada, 3);
      await readAll();
      await add(bob, 2);
      await add(ada, 1);
      await readAll();
      const eve = await mailboxOf('eve@example.com');
      await add(eve, 4);
      await add(bob, 3);
      await readAll();
      return eve;
    }

    async function delivered(mailboxes: readonly TestMailbox[]): Promise<readonly NumberedChange[]> {
      const changes: NumberedChange[] = [];
      for (const { id: mailbox } of mailboxes) {
        const named = { mailbox, subscription: 'crm', now: 1 };
        for (let next = await beginNext(stores.store, named); next.kind === 'begun';) {
          changes.push(...next.delivery.changes);
          await stores.store.acceptDelivery({ ...named, id: next.delivery.id });
          next = await beginNext(stores.store, named);
        }
      }
      return changes;
    }

    /** The name and message of the error; null where the work succeeds. */
    const errorOf = (work: Promise<unknown>): Promise<string | null> =>
      work.then(
        () => null,
        (error: unknown) => String(error),
      );

    it('bring exactly the changes that a reader gets after it, even in the middle of a segment', async () => {
      const mailboxes = [ada, bob, await fill()];
      const end = await endOfChanges(stores.database);
      const before = await readAll();
      expect(before).toHaveLength(13);
      for (const mailbox of mailboxes) await add(mailbox, 2);
      for (const cursor of [...before.map((change) => change.cursor), end]) {
        await subscribe(cursor);
        expect(byMailbox(await delivered(mailboxes))).toEqual(byMailbox(await readAll({ after: cursor })));
        await stores.store.removeSubscription('crm');
      }
      await subscribe(end);
      const fay = await mailboxOf('fay@example.com');
      await add(fay, 2);
      expect((await delivered([fay])).map(brief)).toEqual(['fay 1', 'fay 2']);
    });

    it('begin with everything at the beginning of a feed that nobody has read', async () => {
      const beginning = await endOfChanges(stores.database);
      expect(parseFeedCursor(beginning).position).toBe(0);
      await add(ada, 2);
      await subscribe(beginning);
      expect((await delivered([ada, bob])).map(brief)).toEqual(['ada 1', 'ada 2']);
    });

    it('fail as a reader does where changes after the cursor were pruned, and bring the same elsewhere', async () => {
      const mailboxes = [ada, bob, await fill()];
      // One segment of old and of newer changes.
      await add(ada, 2);
      ada.now += 1_000;
      await add(ada, 3);
      bob.now += 2_000;
      await add(bob, 3);
      const all = await readAll();
      let refused = 0;
      for (const prunedUpTo of [0, ada.now, bob.now]) {
        await stores.store.pruneChanges({ before: prunedUpTo });
        for (const { cursor } of all) {
          const expected = await errorOf(readAll({ after: cursor }));
          expect(await errorOf(subscribe(cursor))).toEqual(expected);
          refused += expected === null ? 0 : 1;
          expect(await stores.store.listSubscriptions()).toHaveLength(expected === null ? 1 : 0);
          const read = expected === null ? await readAll({ after: cursor }) : [];
          expect(byMailbox(await delivered(mailboxes))).toEqual(byMailbox(read));
          await stores.store.removeSubscription('crm');
        }
      }
      // The cursors before the last of the 15 changes that were pruned first, and of the 18 pruned later.
      expect(refused).toBe(14 + 17);
    });

    it('fail for pruned changes only where these are of a mailbox in the filter', async () => {
      await add(ada, 2);
      await readAll();
      await add(bob, 2);
      const [, second, third] = await readAll();
      ada.now += 1_000;
      await add(ada, 1);
      await stores.store.pruneChanges({ before: ada.now });
      const afterSecond = second?.cursor ?? '';
      const only = (mailbox: TestMailbox) => ({ filter: { ...EVERY_CHANGE, mailboxes: [mailbox.id] } });
      expect(await errorOf(readAll({ after: afterSecond, mailbox: ada.id }))).toBeNull();
      await subscribe(afterSecond, only(ada));
      expect((await delivered([ada, bob])).map(brief)).toEqual(['ada 3']);
      await stores.store.removeSubscription('crm');
      for (const cursor of [afterSecond, third?.cursor ?? '']) {
        const expected = await errorOf(readAll({ after: cursor, mailbox: bob.id }));
        expect(expected).toContain('CursorPrunedError');
        expect(await errorOf(subscribe(cursor, only(bob)))).toEqual(expected);
      }
    });

    it.each<[string, (cursor: FeedCursor) => string, string]>([
      ['of another database', (cursor) => cursor.replace(/^1-[0-9a-f]+/, '1-0123'), 'FeedReplacedError'],
      ['from before a restore', (cursor) => cursor.replace(/[0-9a-f]+$/, 'abc'), 'FeedReplacedError'],
      ['beyond the end', (cursor) => cursor.replace(/-2-[0-9a-f]+$/, '-99-abc'), 'CursorAheadError'],
      ['that is no cursor', () => '1-no cursor', 'InvalidCursorError'],
    ])('fail as a reader does at a cursor %s, and nothing is stored', async (_, distort, name) => {
      await add(ada, 2);
      const cursor = distort((await readAll()).at(-1)?.cursor ?? ('' as FeedCursor));
      const expected = await errorOf(readAll({ after: cursor }));
      expect(expected).toContain(name);
      expect(await errorOf(subscribe(cursor))).toEqual(expected);
      const beginning = { kind: 'cursor', cursor } as const;
      expect(await errorOf(stores.store.checkBeginning({ beginning, mailboxes: null }))).toEqual(expected);
      expect(await stores.store.listSubscriptions()).toEqual([]);
      expect(await stores.store.readPositions('crm')).toEqual([]);
    });

    it('ignore the cursor once the subscription is there', async () => {
      await add(ada, 2);
      const [first] = await readAll();
      const cursor = first?.cursor ?? '';
      expect(await subscribe(cursor)).toBe('made');
      await delivered([ada]);
      await stores.store.pruneChanges({ before: ada.now + 1 });
      expect(await subscribe(cursor)).toBe('same');
    });

    it('include the events noted after the change at the cursor', async () => {
      const note = (mailbox: TestMailbox, id: string) =>
        stores.store.noteEvents({ mailbox: mailbox.id, events: [{ id, at: 1, details: { kind: 'in-sync' } }] });
      await add(ada, 2);
      await note(ada, 'before');
      await add(ada, 1);
      await note(ada, 'after');
      await note(bob, 'of a mailbox without changes');
      const all = await readAll();
      const placeAfter = async (change: FeedChange | undefined) => {
        await subscribe(change?.cursor ?? '');
        const positions = await stores.store.readPositions('crm');
        await stores.store.removeSubscription('crm');
        return positions.map(({ sequence, event }) => [sequence, event]);
      };
      expect(await placeAfter(all[0])).toEqual([
        [1, 0],
        [0, 0],
      ]);
      expect(await placeAfter(all[1])).toEqual([
        [2, 0],
        [0, 0],
      ]);
      expect(await placeAfter(all[2])).toEqual([
        [3, 1],
        [0, 0],
      ]);
    });

    it('come again in a replay after a cursor, which moves no mailbox ahead', async () => {
      const mailboxes = [ada, bob, await fill()];
      const all = await readAll();
      const cursor = all[4]?.cursor ?? '';
      await subscribe(cursor);
      const replay = (after: string, mailbox: MailboxId | null = null): Promise<readonly ReplayedMailbox[]> =>
        stores.store.replay({ name: 'crm', mailbox, from: { cursor: after } });
      expect(await replay(cursor)).toEqual([]);
      expect(await replay(all[9]?.cursor ?? '')).toEqual([]);
      await delivered(mailboxes);
      const again = all[2]?.cursor ?? '';
      expect(await replay(again, bob.id)).toEqual([{ mailbox: bob.id, notKept: 0 }]);
      expect((await delivered(mailboxes)).map(brief)).toEqual(['bob 1', 'bob 2', 'bob 3', 'bob 4', 'bob 5']);
      expect((await replay(again)).map(({ mailbox }) => mailbox)).toEqual(mailboxes.map(({ id }) => id));
      expect(byMailbox(await delivered(mailboxes))).toEqual(byMailbox(await readAll({ after: again })));
      await stores.store.pruneChanges({ before: ada.now + 1 });
      const expected = await errorOf(readAll({ after: again }));
      expect(expected).toContain('CursorPrunedError');
      expect(await errorOf(replay(again))).toEqual(expected);
      expect((await stores.store.readPositions('crm')).every(({ sequence, head }) => sequence === head)).toBe(true);
    });
  });
}
