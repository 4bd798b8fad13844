import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/system-clock.ts';
import type { FeedChange } from '../../src/model/change.ts';
import type { Clock } from '../../src/model/clock.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { endOfChanges, followChanges, type ChangesRequest } from '../../src/reading/follow-changes.ts';
import { numberChanges } from '../../src/store/feed/number-changes.ts';
import { closeStores, type Stores } from '../../src/store/open-store.ts';
import { deleted, labelled, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';

/** A database that the feed is tested on. */
export interface FeedFixture {
  readonly name: string;
  /** Opens the database of one test; each call opens it once more, as another process would. */
  open(): Promise<Stores>;
}

/** A clock by which a follower looks only when it is woken. */
export const woken: Clock = {
  ...systemClock,
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds >= 1_000 ? 3_600_000 : milliseconds, signal),
};

const brief = (changes: readonly FeedChange[]): readonly string[] =>
  changes.map(({ mailbox, sequence, kind, messageId }) => `${mailbox.slice(0, 3)} ${sequence} ${kind} ${messageId}`);

/** What every database must do for followers of the change feed. */
export function changeFeedContract(fixture: FeedFixture): void {
  describe(`the change feed on ${fixture.name}`, () => {
    let stores: Stores;
    const opened: Stores[] = [];
    const openMore = async (): Promise<Stores> => {
      const more = await fixture.open();
      opened.push(more);
      return more;
    };
    beforeEach(async () => {
      stores = await openMore();
    });
    afterEach(async () => {
      for (const each of opened.splice(0)) await closeStores(each);
    });

    const mailboxOf = async (email: string): Promise<TestMailbox> => {
      const mailbox = new TestMailbox(stores.store, mailboxId(email));
      await mailbox.put();
      return mailbox;
    };
    const readAll = async (request: ChangesRequest = {}): Promise<FeedChange[]> => {
      const changes: FeedChange[] = [];
      for await (const change of followChanges(stores.database, { ...request, follow: false })) changes.push(change);
      return changes;
    };
    const last = <T>(items: readonly T[]): T => {
      const item = items.at(-1);
      if (item === undefined) throw new Error('there are no changes');
      return item;
    };

    it('gives the changes of all mailboxes, each once, those of a mailbox in their order', async () => {
      const [ada, bob] = [await mailboxOf('ada@example.com'), await mailboxOf('bob@example.com')];
      await ada.save(reading('a1'), reading('a2'));
      await bob.save(reading('b1'));
      expect(brief(await readAll())).toEqual(['ada 1 stored a1', 'ada 2 stored a2', 'bob 1 stored b1']);
      await bob.apply([record(101, labelled('b1', 'X'))]);
      await ada.apply([record(101, deleted('a1'))]);
      expect(brief(await readAll())).toEqual([
        'ada 1 stored a1',
        'ada 2 stored a2',
        'bob 1 stored b1',
        'ada 3 gone a1',
        'bob 2 labels b1',
      ]);
    });

    it('goes on after the cursor of any change, also for one mailbox', async () => {
      const [ada, bob] = [await mailboxOf('ada@example.com'), await mailboxOf('bob@example.com')];
      for (let round = 0; round < 4; round += 1) {
        await ada.save(...Array.from({ length: 3 }, (_, index) => reading(`a${round}-${index}`)));
        await bob.save(reading(`b${round}`));
        await readAll();
      }
      const all = await readAll();
      expect(all).toHaveLength(16);
      for (const [index, { cursor }] of all.entries())
        expect(await readAll({ after: cursor })).toEqual(all.slice(index + 1));
      const ofBob = all.filter(({ mailbox }) => mailbox === bob.id);
      expect(await readAll({ mailbox: bob.id })).toEqual(ofBob);
      expect(await readAll({ mailbox: bob.id, after: all[5]?.cursor ?? '' })).toEqual(ofBob.slice(1));
      expect(await readAll({ after: await endOfChanges(stores.database) })).toEqual([]);
    });

    it('reads more changes than a page, of large transactions and of many small ones', async () => {
      const [ada, bob] = [await mailboxOf('ada@example.com'), await mailboxOf('bob@example.com')];
      const ids = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
      await ada.save(...ids('a', 2_500).map((id) => reading(id)));
      for (const id of ids('b', 40)) {
        await bob.save(reading(id));
        await readAll();
      }
      const all = await readAll();
      expect(all.map(({ messageId }) => messageId)).toEqual([...ids('a', 2_500), ...ids('b', 40)]);
      const [middle] = all.slice(1_234);
      expect(await readAll({ after: middle?.cursor ?? '' })).toEqual(all.slice(1_235));
    });

    it('follows, and is woken by commits of this and of another connection', async () => {
      const ada = await mailboxOf('ada@example.com');
      const other = await openMore();
      const there = new TestMailbox(other.store, ada.id);
      const end = new AbortController();
      const seen: string[] = [];
      await ada.save(reading('m0'));
      for await (const change of followChanges(stores.database, { signal: end.signal }, woken)) {
        seen.push(change.messageId);
        if (seen.length === 8) end.abort();
        else void (seen.length % 2 === 0 ? ada : there).save(reading(`m${seen.length}`));
      }
      expect(seen).toEqual(Array.from({ length: 8 }, (_, index) => `m${index}`));
    });

    it('ends without an error when the signal aborts while it waits', async () => {
      await mailboxOf('ada@example.com');
      const end = new AbortController();
      const waiting = Promise.withResolvers<undefined>();
      const clock: Clock = {
        ...woken,
        sleep: (milliseconds, signal) => {
          waiting.resolve(undefined);
          return woken.sleep(milliseconds, signal);
        },
      };
      const following = followChanges(stores.database, { signal: end.signal }, clock).next();
      await waiting.promise;
      end.abort();
      expect(await following).toEqual({ done: true, value: undefined });
    });

    it('gives several followers the same order', async () => {
      const [ada, bob] = [await mailboxOf('ada@example.com'), await mailboxOf('bob@example.com')];
      const others = [stores, await openMore(), await openMore()];
      const end = new AbortController();
      const follow = async ({ database }: Stores): Promise<readonly string[]> => {
        const seen: FeedChange[] = [];
        for await (const change of followChanges(database, { signal: end.signal }, woken)) {
          seen.push(change);
          if (seen.length === 60) return brief(seen);
        }
        return brief(seen);
      };
      const followers = others.map(follow);
      for (let index = 0; index < 30; index += 1)
        await Promise.all([ada.save(reading(`a${index}`)), bob.save(reading(`b${index}`))]);
      const [one, two, three] = await Promise.all(followers);
      expect(one).toHaveLength(60);
      expect([two, three]).toEqual([one, one]);
    });

    it('refuses the cursor of another database, and text that is no cursor', async () => {
      const ada = await mailboxOf('ada@example.com');
      await ada.save(reading('a'));
      const [change] = await readAll();
      const cursor = change?.cursor ?? '';
      const foreign = cursor.replace(/^1-[0-9a-f]/, (text) => (text === '1-0' ? '1-1' : '1-0'));
      await expect(readAll({ after: foreign })).rejects.toThrow(/another database.*Start over/);
      await expect(readAll({ after: 'ada:12' })).rejects.toThrow(/"ada:12" is not a cursor/);
    });

    /** What a restore of a backup leaves: everything as it was before the last `count` changes of the mailbox. */
    async function restore({ id }: TestMailbox, count: number): Promise<void> {
      await stores.database.write(async (tx) => {
        const { key, change_sequence: head } = await tx
          .selectFrom('mailboxes')
          .select(['key', 'change_sequence'])
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        const before = head - count;
        await tx.deleteFrom('changes').where('mailbox_key', '=', key).where('sequence', '>', before).execute();
        await tx.updateTable('mailboxes').set({ change_sequence: before }).where('key', '=', key).execute();
        await tx
          .deleteFrom('feed_segments')
          .where('changes_of', '=', key)
          .where('last_sequence', '>', before)
          .execute();
        await tx.updateTable('feed_mailboxes').set({ sequence: before }).where('mailbox_key', '=', key).execute();
        await tx
          .updateTable('feed')
          .set((eb) => ({ position: eb('position', '-', count) }))
          .execute();
      });
    }

    it('refuses a cursor from before a restore, both beyond the head and once the feed has passed it', async () => {
      const ada = await mailboxOf('ada@example.com');
      for (const id of ['a', 'b', 'c']) {
        await ada.save(reading(id));
        await readAll();
      }
      const [first, , third] = await readAll();
      await restore(ada, 2);
      await expect(readAll({ after: third?.cursor ?? '' })).rejects.toThrow(/position 3 .* ends at 1/);
      await ada.apply([record(101, labelled('a', 'X'), labelled('a', 'Y'))]);
      await ada.apply([record(102, labelled('a', 'Z'))]);
      await expect(readAll({ after: third?.cursor ?? '' })).rejects.toThrow(/restored from a backup/);
      expect(brief(await readAll({ after: first?.cursor ?? '' }))).toEqual(['ada 2 labels a', 'ada 3 labels a']);
    });

    it('notices a restore while it follows', async () => {
      const ada = await mailboxOf('ada@example.com');
      await ada.save(reading('a'));
      await ada.save(reading('b'));
      const following = followChanges(stores.database, {}, woken);
      await following.next();
      await following.next();
      // Caught from the start: it may be noticed before the restore has returned.
      const noticed = following.next().catch((error: unknown) => error);
      await restore(ada, 1);
      await ada.apply([record(101, labelled('a', 'X'))]);
      expect(String(await noticed)).toMatch(/restored/);
    });

    it('prunes old changes and refuses cursors from before them, but begins with what is kept', async () => {
      const [ada, bob] = [await mailboxOf('ada@example.com'), await mailboxOf('bob@example.com')];
      await ada.save(reading('a1'), reading('a2'));
      await bob.save(reading('b1'));
      await readAll();
      ada.now += 1_000;
      await ada.save(reading('a3'));
      const all = await readAll();
      expect(await stores.store.pruneChanges({ before: ada.now })).toBe(3);
      expect(brief(await readAll())).toEqual(['ada 3 stored a3']);
      await expect(readAll({ after: all[0]?.cursor ?? '' })).rejects.toThrow(/were pruned.*Start over/);
      await expect(readAll({ mailbox: bob.id, after: all[1]?.cursor ?? '' })).rejects.toThrow(/were pruned/);
      expect(brief(await readAll({ after: all[2]?.cursor ?? '' }))).toEqual(['ada 3 stored a3']);
      expect(brief(await readAll({ mailbox: ada.id, after: all[1]?.cursor ?? '' }))).toEqual(['ada 3 stored a3']);
      const page = { mailbox: ada.id, limit: 10 };
      await expect(stores.store.readChangePage({ ...page, after: 1 })).rejects.toThrow(/up to 2 were pruned/);
      expect(await stores.store.readChangePage({ ...page, after: 0 })).toMatchObject({
        head: 3,
        changes: [{}],
        hasMore: false,
      });
      await bob.save(reading('b2'));
      expect(brief(await readAll({ after: last(all).cursor }))).toEqual(['bob 2 stored b2']);
    });

    it('keeps what a subscription has yet to deliver, however old', async () => {
      const ada = await mailboxOf('ada@example.com');
      await ada.save(reading('a1'), reading('a2'), reading('a3'));
      await stores.database.write(async (tx) => {
        const { key } = await tx.selectFrom('mailboxes').select('key').executeTakeFirstOrThrow();
        const subscription = { filter: '{}', batch: 1, delivery_order: '', created_at: 1 };
        await tx
          .insertInto('subscriptions')
          .values([
            { ...subscription, name: 'crm', ended_at: null, ended_reason: null },
            { ...subscription, name: 'ended', ended_at: 2, ended_reason: '' },
          ])
          .execute();
        await tx
          .insertInto('delivery_positions')
          .values([
            { mailbox_key: key, subscription: 'crm', sequence: 2 },
            { mailbox_key: key, subscription: 'ended', sequence: 0 },
          ])
          .execute();
      });
      expect(await stores.store.pruneChanges({ before: ada.now + 1 })).toBe(2);
      expect(brief(await readAll())).toEqual(['ada 3 stored a3']);
    });

    it('prunes in the middle of a transaction, again and again, without a gap for those who follow', async () => {
      const ada = await mailboxOf('ada@example.com');
      const seen: number[] = [];
      let { cursor } = { cursor: await endOfChanges(stores.database) };
      for (let round = 0; round < 6; round += 1) {
        await ada.save(...Array.from({ length: 7 }, (_, index) => reading(`${round}-${index}`)));
        ada.now += 1_000;
        for (const change of await readAll({ after: cursor })) {
          seen.push(change.sequence);
          ({ cursor } = change);
        }
        await stores.store.pruneChanges({ before: ada.now - 1_500 });
      }
      expect(seen).toEqual(Array.from({ length: 42 }, (_, index) => index + 1));
      const { segments } = await stores.database.read((db) =>
        db
          .selectFrom('feed_segments')
          .select((eb) => eb.fn.countAll<number>().as('segments'))
          .executeTakeFirstOrThrow(),
      );
      expect(segments).toBeLessThan(4);
    });

    it('numbers what was committed while a follower was busy, of however many mailboxes', async () => {
      const ada = await mailboxOf('ada@example.com');
      await ada.save(reading('a1'));
      const keys = Array.from({ length: 70_000 }, (_, index) => index + 1);
      expect(await numberChanges(stores.database, keys)).toBe(true);
      expect(await numberChanges(stores.database, keys)).toBe(false);
    });

    it('goes on after the removal of a mailbox, without its changes', async () => {
      const [ada, bob] = [await mailboxOf('ada@example.com'), await mailboxOf('bob@example.com')];
      await ada.save(reading('a1'));
      await bob.save(reading('b1'));
      await readAll();
      await ada.save(reading('a2'));
      const all = await readAll();
      await stores.store.beginRemoval({ mailbox: ada.id, chain: null, now: 1 });
      await stores.store.finishRemovals({ now: 1 });
      await bob.save(reading('b2'));
      expect(brief(await readAll())).toEqual(['bob 1 stored b1', 'bob 2 stored b2']);
      expect(brief(await readAll({ after: all[0]?.cursor ?? '' }))).toEqual(['bob 1 stored b1', 'bob 2 stored b2']);
      expect(brief(await readAll({ after: last(all).cursor }))).toEqual(['bob 2 stored b2']);
    });

    it('gives a renamed mailbox its new name, and keeps cursors valid', async () => {
      const ada = await mailboxOf('ada@example.com');
      await ada.save(reading('a1'));
      const [before] = await readAll();
      const bob = mailboxId('bob@example.com');
      await stores.store.renameMailbox({ from: ada.id, to: bob, chain: null, now: 1 });
      await new TestMailbox(stores.store, bob).save(reading('b1'));
      expect(brief(await readAll())).toEqual(['bob 1 stored a1', 'bob 2 stored b1']);
      expect(brief(await readAll({ after: before?.cursor ?? '' }))).toEqual(['bob 2 stored b1']);
    });

    it('reads entries of an earlier version, which say less', async () => {
      const ada = await mailboxOf('ada@example.com');
      await ada.save(reading('a1'));
      await ada.apply([record(101, deleted('a1'))], { generation: 0 });
      await stores.database.write((tx) =>
        tx.updateTable('changes').set({ added: null, removed: null, why: null }).execute(),
      );
      expect(await readAll()).toMatchObject([
        { kind: 'stored', added: null, removed: null },
        { kind: 'gone', added: null, removed: null, why: 'unknown' },
      ]);
    });

    it('says where the changes of one mailbox end, and refuses a number beyond', async () => {
      const ada = await mailboxOf('ada@example.com');
      await ada.save(reading('a1'), reading('a2'), reading('a3'));
      const page = { mailbox: ada.id, limit: 2 };
      expect(await stores.store.readChangePage({ ...page, after: 0 })).toMatchObject({
        head: 3,
        changes: [{}, {}],
        hasMore: true,
      });
      expect(await stores.store.readChangePage({ ...page, after: 3 })).toEqual({
        head: 3,
        changes: [],
        hasMore: false,
      });
      await expect(stores.store.readChangePage({ ...page, after: 4 })).rejects.toThrow(/ada@example.com end at 3/);
    });
  });
}
