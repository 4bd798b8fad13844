import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS, type MailboxSettings, type Scope } from '../../src/model/settings.ts';
import { h, l, openMailbox, scope, type TestMailbox } from '../fixtures/store/tested-store.ts';
import { RemoteMailbox, type Move } from './remote-mailbox.ts';
import { openMemoryStore } from '../fixtures/store/migrated-sqlite.ts';

const LABELS = ['INBOX', 'UNREAD', 'TRASH', 'Work'] as const;
const message = fc.integer({ min: 0, max: 4 });
const labels = fc.uniqueArray(fc.constantFrom(...LABELS), { maxLength: 3 });

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('add' as const), message, labels, telling: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), message }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('label' as const, 'unlabel' as const),
      message,
      label: fc.constantFrom(...LABELS),
    }),
  },
);

/** What happens, in any order. Numbers choose among what is possible then. */
type Step =
  | { readonly kind: 'move'; readonly move: Move }
  /**
   * A partial sync: `late` counts the newest records that history does not show yet; it ends after `pages` pages of one
   * record each.
   */
  | { readonly kind: 'sync'; readonly late: number; readonly pages: number }
  /** Due messages are fetched from a replica that lags `lag` records behind. */
  | { readonly kind: 'fetch'; readonly lag: number }
  /** The labels of due messages are read in the same way, by an attempt that ends or is given up. */
  | { readonly kind: 'refresh'; readonly lag: number; readonly isGivenUp: boolean }
  /** A reading that was taken some time ago arrives now, from an attempt that was given up. */
  | { readonly kind: 'zombie'; readonly which: number }
  /** Everything is listed and compared, while more happens: history is lost meanwhile, or (`live`) read on. */
  | { readonly kind: 'recover'; readonly between: readonly Move[]; readonly live: boolean; readonly lag: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('move' as const), move }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('sync' as const),
      late: fc.nat(2),
      pages: fc.integer({ min: 1, max: 20 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('fetch' as const), lag: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('refresh' as const), lag: fc.nat(3), isGivenUp: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('zombie' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('recover' as const),
      between: fc.array(move, { maxLength: 6 }),
      live: fc.boolean(),
      lag: fc.nat(2),
    }),
  },
);

/** How many of the newest records may be missing from history: a mark this old has settled. */
const SETTLING = 2;

class Run {
  readonly remote: RemoteMailbox;
  readonly mailbox: TestMailbox;
  readonly scope: Scope;
  readonly taken: { readonly id: string; readonly moment: number; readonly refreshedAt: number | null }[] = [];
  /** The moment from which the next partial sync reads. */
  settled = 0;
  /** No moment before this one can be seen any more: the generation's listing began then. */
  listedAt = 0;

  constructor(remote: RemoteMailbox, mailbox: TestMailbox, scope: Scope) {
    this.remote = remote;
    this.mailbox = mailbox;
    this.scope = scope;
  }

  async take(step: Step): Promise<void> {
    this.mailbox.now += 1;
    switch (step.kind) {
      case 'move':
        return this.remote.make(step.move);
      case 'sync':
        return this.sync(step.late, step.pages);
      case 'fetch':
        return this.fetch(step.lag);
      case 'refresh':
        return this.refresh(step.lag, step.isGivenUp);
      case 'zombie':
        return this.zombie(step.which);
      case 'recover':
        return this.recover(step);
    }
  }

  async sync(late: number, pages: number): Promise<void> {
    const start = this.settled;
    const { remote } = this;
    // Of the newest records, every second one is late: they appear out of order.
    const hidden = new Set(
      Array.from({ length: late }, (_, index) => remote.now - 1 - index * 2).filter(
        (index) => index >= remote.now - SETTLING,
      ),
    );
    const shown = remote.records
      .flatMap((record, index) => (index < start || hidden.has(index) ? [] : [record]))
      .slice(0, pages);
    for (const record of shown)
      await this.mailbox.apply([record], { mark: record.id, settledBefore: remote.historyIdAt(start) });
    const complete = shown.length < pages;
    if (!complete) return;
    this.settled = Math.max(start, remote.now - SETTLING);
    await this.mailbox.apply([], {
      settle: [{ historyId: h(remote.historyIdAt(this.settled)), at: 0 }],
      settledBefore: remote.historyIdAt(start),
    });
  }

  async fetch(lag: number): Promise<void> {
    const moment = Math.max(this.listedAt, this.remote.now - lag);
    for (const { id } of [...(await this.mailbox.pending('live')), ...(await this.mailbox.pending('backfill'))]) {
      this.taken.push({ id, moment, refreshedAt: null });
      const reading = this.remote.get(id, moment);
      if (reading !== null) await this.mailbox.save(reading);
    }
  }

  async refresh(lag: number, isGivenUp: boolean): Promise<void> {
    const moment = Math.max(this.listedAt, this.remote.now - lag);
    for (const id of await this.dueRefreshes()) {
      this.taken.push({ id, moment, refreshedAt: this.mailbox.now });
      const reading = this.remote.get(id, moment);
      if (reading !== null && !isGivenUp) await this.mailbox.saveRefreshed([reading]);
    }
  }

  async zombie(which: number): Promise<void> {
    const taken = this.taken[which % Math.max(1, this.taken.length)];
    if (taken === undefined) return;
    const { id, moment, refreshedAt } = taken;
    const reading = this.remote.get(id, moment);
    if (reading === null) return;
    if (refreshedAt === null) await this.mailbox.save(reading);
    else await this.mailbox.saveRefreshed([reading], { askedAt: refreshedAt });
  }

  async recover({ between, live, lag }: Extract<Step, { kind: 'recover' }>): Promise<void> {
    const { remote, mailbox } = this;
    const moves = [...between];
    const happen = async (): Promise<void> => {
      const next = moves.shift();
      if (next !== undefined) remote.make(next);
      if (!live) return;
      await this.sync(lag, 20);
      await this.fetch(lag);
    };
    this.listedAt = remote.now;
    const start = remote.historyIdAt(remote.now);
    await mailbox.begin(start);
    await happen();
    await mailbox.list(remote.list(this.scope));
    for (const label of LABELS) {
      await happen();
      await mailbox.listLabels({ [label]: remote.list(this.scope, label) });
    }
    await happen();
    await mailbox.finish({ labels: (await mailbox.progress()).reconciling ? 'compared' : 'unread' });
    this.settled = this.listedAt;
  }

  /** Reads everything to its end, as when the mailbox is quiet. */
  async quiet(): Promise<void> {
    await this.sync(0, 1_000);
    // A refresh may bring a message back into scope, and a get may put labels in question.
    for (let round = 0; round < 4; round += 1) {
      // Messages that were read just after the mark was pinned are read again half a minute later.
      this.mailbox.now += 60_000;
      await this.readPending();
      await this.readDueLabels();
    }
  }

  async readPending(): Promise<void> {
    const { remote, mailbox } = this;
    for (const { id, historyId: asOf } of [
      ...(await mailbox.pending('live')),
      ...(await mailbox.pending('backfill')),
    ]) {
      const reading = remote.get(id, remote.now);
      if (reading === null) await mailbox.failFetch(id, { asOf: asOf === null ? null : Number(asOf), state: 'gone' });
      else expect(await mailbox.save(reading)).toMatchObject({ stale: [] });
    }
  }

  async readDueLabels(): Promise<void> {
    const { remote, mailbox } = this;
    for (const id of await this.dueRefreshes()) {
      const reading = remote.get(id, remote.now);
      if (reading !== null) expect(await mailbox.saveRefreshed([reading])).toEqual({ stale: [] });
    }
  }

  dueRefreshes(): Promise<readonly string[]> {
    const { store, id, now } = this.mailbox;
    return store.nextRefresh({ mailbox: id, limit: 100, now });
  }

  /** What a reader of the change feed believes. */
  async believed(): Promise<Readonly<Record<string, readonly string[]>>> {
    const believed = new Map<string, readonly string[]>();
    for (const [index, change] of (await this.mailbox.changes()).entries()) {
      expect(change.sequence).toBe(index + 1);
      if (change.kind === 'gone') believed.delete(change.messageId);
      else believed.set(change.messageId, change.labelIds);
    }
    return Object.fromEntries([...believed].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}

async function begin(
  firstId: number,
  initial: readonly Move[],
  settings: MailboxSettings = DEFAULT_SETTINGS,
): Promise<Run> {
  const remote = new RemoteMailbox(firstId);
  for (const move of initial) remote.make(move);
  const mailbox = await openMailbox({ name: 'memory', open: () => openMemoryStore() }, settings);
  const run = new Run(remote, mailbox, settings.scope);
  run.listedAt = remote.now;
  run.settled = remote.now;
  await mailbox.begin(remote.historyIdAt(remote.now));
  await mailbox.list(remote.list(settings.scope));
  await mailbox.finish();
  return run;
}

describe('a store', () => {
  it('equals Gmail, as does the change feed, once the mailbox is quiet, after any changes in any order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { maxLength: 8 }),
        fc.array(step, { maxLength: 40 }),
        fc.constantFrom([], ['Work'], ['Work', 'INBOX']),
        async (initial, steps, scopeLabels) => {
          const run = await begin(1_000, initial, scope({ labelIds: scopeLabels.map(l) }));
          for (const step of steps) {
            await run.take(step);
            expect(await run.believed()).toEqual(await run.mailbox.labels());
          }
          await run.quiet();
          expect(await run.mailbox.labels()).toEqual(run.remote.visible(run.scope));
          expect(await run.believed()).toEqual(await run.mailbox.labels());
          expect(await run.mailbox.counts()).toMatchObject({ pending: 0, failed: 0, due: 0 });
          expect(await run.dueRefreshes()).toEqual([]);
          await run.mailbox.store.close();
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 100) },
    );
  });

  it('is the same however often, and by whatever overlapping attempts, history was applied', async () => {
    const attempt = fc.record({
      from: fc.nat(),
      length: fc.integer({ min: 1, max: 12 }),
      page: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { maxLength: 8 }),
        fc.array(move, { minLength: 1, maxLength: 25 }),
        fc.array(attempt, { maxLength: 8 }),
        async (initial, moves, attempts) => {
          const [once, often] = [await begin(1_000, initial), await begin(1_000, initial)];
          const first = once.remote.now;
          for (const run of [once, often]) {
            await run.fetch(0);
            for (const move of moves) run.remote.make(move);
          }
          const { records } = once.remote;
          const apply = (run: Run, from: number, to: number) =>
            run.mailbox.apply(records.slice(from, to), { settledBefore: run.remote.historyIdAt(first) });
          if (records.length > first) await apply(once, first, records.length);
          let reached = first;
          for (const { from, length, page } of [...attempts, { from: reached, length: 1_000, page: 7 }]) {
            const start = length === 1_000 ? reached : first + (from % (reached - first + 1));
            const end = Math.min(records.length, start + length);
            for (let next = start; next < end; next += page) await apply(often, next, Math.min(end, next + page));
            reached = Math.max(reached, end);
          }
          expect(await picture(often)).toEqual(await picture(once));
          for (const run of [once, often]) await run.mailbox.store.close();
        },
      ),
      { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
    );
  });

  it('is not changed by an older reading after a newer one, for any history ids', async () => {
    const id = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    await fc.assert(
      fc.asyncProperty(fc.array(id, { minLength: 1, maxLength: 8 }), async (ids) => {
        const mailbox = await openMailbox({ name: 'memory', open: () => openMemoryStore() });
        const remote = new RemoteMailbox(1);
        remote.make({ kind: 'add', message: 0, labels: [], telling: false });
        const reading = remote.get('m0', 1);
        if (reading === null) throw new Error('the message is there');
        for (const at of ids)
          await mailbox.save({ ...reading, historyId: historyId(at.toString()), snippet: at.toString() });
        const newest = ids.reduce((a, b) => (a > b ? a : b)).toString();
        expect(await mailbox.messages()).toMatchObject([{ historyId: h(newest), snippet: newest }]);
        await mailbox.store.close();
      }),
      { numRuns: 50 },
    );
  });
});

/** All that can be seen of a store but the times and the order of its change feed. */
async function picture({ mailbox, ...run }: Run) {
  const { historyId } = await mailbox.row();
  return {
    historyId,
    messages: await mailbox.messages(),
    counts: await mailbox.counts(),
    pending: (await mailbox.pending('live')).map(({ id, historyId }) => `${id} ${historyId}`).toSorted(),
    refreshes: await mailbox.refreshes(),
    believed: await Run.prototype.believed.call({ mailbox, ...run } as Run),
  };
}
