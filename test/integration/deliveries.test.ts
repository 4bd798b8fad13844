import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  definitionOf,
  type DeliveredChanges,
  type DeliveryContext,
  type Handlers,
} from '../../src/deliveries/handler.ts';
import { createLog } from '../../src/host/log.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import type { MailboxId } from '../../src/model/ids.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

interface Call {
  readonly mailbox: MailboxId;
  readonly id: string;
  readonly attempt: number;
  readonly sequences: readonly number[];
  readonly subjects: readonly (string | null)[];
}

/** A handler's calls, and what it does with each. */
class Receiver {
  readonly calls: Call[] = [];
  /** What a test has the handler do: throw, or wait. */
  react: (call: Call, signal: AbortSignal) => Promise<void> | void = () => undefined;

  readonly handle = async (changes: DeliveredChanges, context: DeliveryContext): Promise<void> => {
    const { mailbox, deliveryId: id, attempt, signal } = context;
    const subjects: (string | null)[] = [];
    for (const { messageId } of changes) subjects.push((await context.message(messageId))?.subject ?? null);
    const call = { mailbox, id, attempt, sequences: changes.map(({ sequence }) => sequence), subjects };
    this.calls.push(call);
    await this.react(call, signal);
  };

  of(box: TestMailbox): readonly Call[] {
    return this.calls.filter(({ mailbox }) => mailbox === box.id);
  }

  sequences(box: TestMailbox): readonly number[] {
    return this.of(box).flatMap(({ sequences }) => sequences);
  }
}

const poisoned = ({ subjects }: Call): void => {
  if (subjects.includes('poison')) throw new RangeError('it cannot be parsed');
};

describe.concurrent('handlers of a worker', () => {
  endMailboxesWithTheirTests();
  const all = new Receiver();
  const parking = new Receiver();
  const strict = new Receiver();
  const slow = new Receiver();
  const handlers: Handlers = {
    all: { beginning: { kind: 'first' }, handle: all.handle },
    parking: { filter: { subject: 'po' }, order: { kind: 'park', attempts: 1 }, handle: parking.handle },
    strict: { filter: { from: 'BOB@example' }, order: { kind: 'above-all' }, batch: 1, handle: strict.handle },
    slow: { filter: { kinds: ['stored'] }, handle: slow.handle },
  };
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('deliveries');
    await rig.startWorker(createLog('silent'), systemClock, handlers);
  });
  afterAll(() => rig.close());

  const verb = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await tidemark(rig.env, ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  const head = async (box: TestMailbox): Promise<number> =>
    (await rig.tidemark.store.getMailbox(box.id))?.changeSequence ?? 0;
  const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
  const isTold = (box: TestMailbox, receiver: Receiver): Promise<true> =>
    eventually(30_000, async () => (receiver.sequences(box).at(-1) === (await head(box)) ? true : null));
  const positionOf = async (box: TestMailbox, name: string) =>
    (await rig.tidemark.store.readPositions(name)).find(({ mailbox }) => mailbox === box.id);
  const deliveries = async (box: TestMailbox): Promise<number> =>
    (await box.runs())
      .flatMap(({ history }) => history.events ?? [])
      .filter(({ activityTaskScheduledEventAttributes: event }) => event?.activityType?.name === 'deliver').length;

  it('get every change once and in order: a backfill in batches, new mail at once', async () => {
    const box = await rig.mailbox('told', { messages: 150, threadSize: 1 });
    await box.start();
    await box.exact(30_000);
    await isTold(box, all);
    box.deliver('hello');
    await box.client.sync(box.id, { wait: true });
    await isTold(box, all);
    expect(all.sequences(box)).toEqual(upTo(await head(box)));
    expect(all.of(box).at(-1)?.subjects).toEqual(['hello']);
    expect(all.of(box).length).toBeLessThan(20);
    expect(new Set(all.of(box).map(({ attempt }) => attempt))).toEqual(new Set([1]));
    // Where nothing changes, no delivery is scheduled. Before they are counted, the slow handler must have ended, and
    // any delivery that a sync asked for meanwhile must have begun.
    await eventually(20_000, async () => {
      const { due } = await rig.tidemark.store.findDeliveries({ mailbox: box.id, now: systemClock.now() });
      const { pendingActivities } = (await box.handle.describe()).raw;
      return due.length === 0 && (pendingActivities ?? []).length === 0 ? true : null;
    });
    await box.client.sync(box.id, { wait: true });
    await box.client.sync(box.id, { wait: true });
    const before = await deliveries(box);
    await box.client.sync(box.id, { wait: true });
    await box.client.sync(box.id, { wait: true });
    expect(await deliveries(box)).toBe(before);
    expect(await box.workflowFailures()).toEqual([]);
  }, 90_000);

  it('are scheduled beside the sync that a notification causes, and get each change once', async () => {
    const box = await rig.mailbox('announced', { messages: 0, pollInterval: 600_000 });
    await box.start();
    await box.exact(20_000);
    for (const [index, subject] of ['one', 'two'].entries()) {
      box.deliver(subject);
      await box.client.poke(box.id);
      await eventually(30_000, async () => (all.of(box).length > index ? true : null));
    }
    expect(all.of(box).map(({ subjects, attempt }) => [subjects, attempt])).toEqual([
      [['one'], 1],
      [['two'], 1],
    ]);
    const byTask = new Map<string, string[]>();
    for (const { activityTaskScheduledEventAttributes: event } of (await box.runs()).flatMap(
      ({ history }) => history.events ?? [],
    )) {
      const task = event?.workflowTaskCompletedEventId?.toString() ?? '';
      byTask.set(task, [...(byTask.get(task) ?? []), event?.activityType?.name ?? '']);
    }
    expect([...byTask.values()]).toContainEqual(['partialSync', 'deliver']);
    expect(await box.workflowFailures()).toEqual([]);
  }, 90_000);

  it('have only a change that fails parked, and get it again by itself, or with later ones', async () => {
    const box = await rig.mailbox('poison', { messages: 0, pollInterval: 60_000 });
    const poisonedHere = (call: Call): void => {
      if (call.mailbox === box.id) poisoned(call);
    };
    parking.react = poisonedHere;
    await box.start();
    await box.exact(20_000);
    for (const subject of ['polite', 'poison', 'positive']) box.deliver(subject);
    await box.client.sync(box.id, { wait: true });
    const position = await eventually(30_000, async () => {
      const now = await positionOf(box, 'parking');
      return now?.parked === 1 && now.sequence === now.head ? now : null;
    });
    expect(position).toMatchObject({ delivered: 2, error: null });
    const parkedOf = async () =>
      (await rig.tidemark.store.listParked({ name: 'parking', limit: 10 })).filter(({ mailbox }) => mailbox === box.id);
    const [parked] = await parkedOf();
    expect(parked).toMatchObject({ mailbox: box.id, error: 'RangeError: it cannot be parsed' });
    parking.react = () => undefined;
    const told = parking.of(box).length;
    const shown = await verb('deliveries', 'parking', '--parked', '--json');
    expect((JSON.parse(shown) as { parked: unknown[] }).parked).toContainEqual(parked);
    // First by itself, while it still fails: it is parked again under another id.
    parking.react = poisonedHere;
    const id = parked?.deliveryId ?? '';
    expect(await verb('replay', 'parking', '--parked', id)).toBe('parking is to deliver 1 parked change once more.\n');
    const failed = await eventually(20_000, async () => {
      const [now] = await parkedOf();
      return now?.attempts === 2 ? now : null;
    });
    expect(parking.of(box).slice(told)).toMatchObject([{ subjects: ['poison'], id: failed.deliveryId, attempt: 1 }]);
    const { stderr } = await tidemark(rig.env, 'replay', 'parking', '--parked', id);
    expect(stderr).toContain(`has nothing parked under "${id}". See: tidemark deliveries parking --parked`);
    parking.react = () => undefined;
    await verb('replay', 'parking', '--parked');
    await eventually(20_000, async () => ((await parkedOf()).length === 0 ? true : null));
    expect(parking.of(box).slice(told + 1)).toMatchObject([{ subjects: ['poison'], attempt: 1 }]);
    expect(await positionOf(box, 'parking')).toMatchObject({ delivered: 3, sequence: position.sequence });
    const toldAgain = parking.of(box).length;
    const after = `${(parked?.sequence ?? 1) - 1}`;
    expect(await verb('replay', 'parking', '--mailbox', box.id, '--after', after)).toBe(
      'parking goes back in 1 mailbox.\n',
    );
    await eventually(20_000, async () => (parking.of(box).length > toldAgain ? true : null));
    await isTold(box, parking);
    const again = parking.of(box).slice(toldAgain);
    expect(again[0]?.subjects).toContain('poison');
    expect(again[0]?.id).not.toBe(parked?.deliveryId);
    expect(await parkedOf()).toEqual([]);
  }, 90_000);

  it('are held up by a change that fails when their order is above-all', async () => {
    const box = await rig.mailbox('strict', { messages: 0, pollInterval: 60_000 });
    let isBroken = true;
    strict.react = (call) => {
      if (call.mailbox === box.id && isBroken) poisoned(call);
    };
    await box.start();
    await box.exact(20_000);
    for (const subject of ['poison', 'later']) {
      box.deliver(subject);
      await box.client.sync(box.id, { wait: true });
    }
    const failing = await eventually(30_000, async () => {
      const now = await positionOf(box, 'strict');
      return (now?.delivery?.attempts ?? 0) >= 2 ? now : null;
    });
    expect(failing).toMatchObject({ delivered: 0, parked: 0, error: 'RangeError: it cannot be parsed' });
    expect((await box.report()).waitingDeliveries).toMatchObject([{ subscription: 'strict', why: 'failing' }]);
    expect(await verb('subscriptions')).toMatch(/strict +a handler +above-all +1 +0 +delivers/);
    expect(await verb('deliveries', 'strict')).toMatch(/RangeError: it cannot be parsed \(next attempt /);
    expect(await verb('status', box.id)).toMatch(/deliveries +strict waits since/);
    isBroken = false;
    await eventually(60_000, async () => ((await positionOf(box, 'strict'))?.delivered === 2 ? true : null));
    const [first, ...others] = strict.of(box);
    expect(new Set(others.slice(0, -1).map(({ id }) => id))).toEqual(new Set([first?.id]));
    expect(others.at(-1)?.subjects).toEqual(['later']);
  }, 120_000);

  it('that are slow hold up neither the syncs nor another handler', async () => {
    const box = await rig.mailbox('slow', { messages: 0, pollInterval: 60_000 });
    const gate = Promise.withResolvers<undefined>();
    slow.react = async ({ mailbox }) => {
      if (mailbox === box.id) await gate.promise;
    };
    await box.start();
    await box.exact(20_000);
    for (const subject of ['one', 'two', 'three']) {
      box.deliver(subject);
      await box.client.sync(box.id, { wait: true });
      await isTold(box, all);
    }
    await box.exact(20_000);
    expect(slow.of(box)).toHaveLength(1);
    gate.resolve(undefined);
    await isTold(box, slow);
    expect(slow.sequences(box)).toEqual(upTo(3));
  }, 90_000);
});

describe('tidemark unsubscribe', () => {
  it('ends a subscription, which is unknown from then on', async () => {
    const rig = await Rig.open('unsubscribe');
    try {
      const definition = definitionOf('crm', { handle: () => undefined });
      await rig.tidemark.store.putSubscription({ definition, beginning: { kind: 'now' }, now: 1 });
      expect(await tidemark(rig.env, 'unsubscribe', 'crm')).toMatchObject({ code: 0 });
      expect((await tidemark(rig.env, 'subscriptions')).stdout).toBe('There are no subscriptions.\n');
      for (const args of [
        ['unsubscribe', 'crm'],
        ['deliveries', 'crm'],
        ['replay', 'crm', '--since', '2026-01-01'],
      ]) {
        const { code, stderr } = await tidemark(rig.env, ...args);
        expect(code).toBe(1);
        expect(stderr).toContain('There is no subscription "crm". List all: tidemark subscriptions');
      }
    } finally {
      await rig.close();
    }
  }, 60_000);
});

describe('a handler that is added while a mailbox is idle', () => {
  it('gets the stored changes at once, because its worker wakes the mailbox', async () => {
    const rig = await Rig.open('deliveries-added');
    try {
      await rig.startWorker();
      const box = await rig.mailbox('added', { messages: 5, threadSize: 1, pollInterval: 600_000 });
      await box.start();
      await box.exact(30_000);
      // Half a minute later it looks for late mail, and that sync, too, would deliver.
      await eventually(60_000, async () =>
        (await rig.tidemark.store.getMailbox(box.id))?.relistAt === null ? true : null,
      );
      await box.exact(10_000);
      await rig.stopWorker();
      const receiver = new Receiver();
      const handlers: Handlers = { all: { beginning: { kind: 'first' }, handle: receiver.handle } };
      await rig.startWorker(createLog('silent'), systemClock, handlers);
      // Some of the generated messages may be in spam or trash, and so not stored.
      const { changeSequence } = await box.report();
      await eventually(60_000, async () => (receiver.sequences(box).at(-1) === changeSequence ? true : null));
      const events = (await box.runs()).flatMap(({ history }) => history.events ?? []);
      const isWoken = events.some(
        ({ workflowExecutionSignaledEventAttributes: event }) => event?.signalName === 'deliver',
      );
      expect(isWoken).toBe(true);
    } finally {
      await rig.close();
    }
  }, 150_000);
});

describe('a handler whose program does not run', () => {
  it('gets each change once it runs, and until then lets its lane end so that the history can be cut', async () => {
    const rig = await Rig.open('deliveries-away');
    try {
      const receiver = new Receiver();
      const handlers: Handlers = { all: { handle: receiver.handle } };
      const definition = definitionOf('all', { handle: receiver.handle });
      await rig.tidemark.store.putSubscription({ definition, beginning: { kind: 'now' }, now: 1 });
      await rig.startWorker();
      const box = await rig.mailbox('away', { messages: 0, pollInterval: 600_000 });
      await box.start();
      await box.exact(30_000);
      box.deliver('hello');
      await box.client.poke(box.id);
      const waits = async (): Promise<readonly number[]> =>
        (await box.runs())
          .flatMap(({ history }) => history.events ?? [])
          .flatMap(({ activityTaskScheduledEventAttributes: event }) =>
            event?.activityType?.name === 'deliver' ? [Number(event.scheduleToStartTimeout?.seconds)] : [],
          );
      // No worker took the delivery beside the sync, whose result asks for another one.
      await eventually(60_000, async () => ((await waits()).length === 2 ? true : null));
      expect(await waits()).toEqual([10, 3_600]);
      expect((await box.report()).lastError).toBeNull();
      await rig.stopWorker();
      await rig.startWorker(createLog('silent'), systemClock, handlers);
      await eventually(60_000, async () => (receiver.calls.length > 0 ? true : null));
      expect(receiver.calls.map(({ subjects, attempt }) => [subjects, attempt])).toEqual([[['hello'], 1]]);
      expect(await box.workflowFailures()).toEqual([]);
    } finally {
      await rig.close();
    }
  }, 150_000);
});

describe('a worker that stops during a delivery', () => {
  it('leaves the delivery to the next worker, under the same id', async () => {
    const rig = await Rig.open('deliveries-stopped');
    try {
      const receiver = new Receiver();
      const handlers: Handlers = { all: { beginning: { kind: 'first' }, handle: receiver.handle } };
      receiver.react = (_, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('stopped')));
        });
      await rig.startWorker(createLog('silent'), systemClock, handlers);
      const box = await rig.mailbox('stopped', { messages: 20, threadSize: 1 });
      await box.start();
      await eventually(30_000, async () => (receiver.calls.length > 0 ? true : null));
      await rig.stopWorker();
      const interrupted = receiver.calls.at(-1);
      // The store has noted the end of the attempt: a worker that stops did not die of the delivery.
      const left = { mailbox: box.id, subscription: 'all', now: systemClock.now() };
      expect(await rig.tidemark.store.nextDelivery(left)).toMatchObject({ delivery: { unended: 0, attempts: 1 } });
      receiver.react = () => undefined;
      await rig.startWorker(createLog('silent'), systemClock, handlers);
      await box.exact(60_000);
      const position = async () => (await rig.tidemark.store.readPositions('all'))[0];
      await eventually(60_000, async () => {
        const now = await position();
        return now !== undefined && now.head > 0 && now.sequence === now.head ? true : null;
      });
      expect(receiver.calls.filter(({ id }) => id === interrupted?.id).length).toBeGreaterThan(1);
      expect([...new Set(receiver.sequences(box))]).toEqual(
        Array.from({ length: (await position())?.head ?? 0 }, (_, index) => index + 1),
      );
    } finally {
      await rig.close();
    }
  }, 150_000);
});
