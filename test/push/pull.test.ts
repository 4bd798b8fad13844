import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { startPull, type Puller } from '../../src/push/pull.ts';
import { Receiver, type NotificationOutcome } from '../../src/push/receiver.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { emulatorMissing, PubSubEmulator } from '../fixtures/gmail/emulator.ts';
import { Switchboard } from '../fixtures/host/switchboard.ts';
import { refuseWith } from './grpc-refusal.ts';

const TOPIC = 'projects/tidemark-test/topics/pulled';
const missing = emulatorMissing();

describe.skipIf(missing !== null)(
  `a pull subscription under faults${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    let emulator: PubSubEmulator;
    let switchboard: Switchboard;
    let puller: Puller | null = null;
    let accept: () => Promise<void>;
    let poked: string[];
    let outcomes: NotificationOutcome[];
    /** How pullers ended: with nothing, or with an error. */
    let endings: unknown[];
    let subscriptions = 0;
    const portOfEmulator = (): number => Number(emulator.host.split(':')[1]);
    beforeAll(async () => {
      // Keeps Google's client from looking for its project at the metadata server of Google's cloud.
      process.env['METADATA_SERVER_DETECTION'] = 'none';
      emulator = await PubSubEmulator.start();
      await emulator.createTopic(TOPIC);
    }, 60_000);
    afterAll(() => emulator.stop());
    beforeEach(async () => {
      switchboard = await Switchboard.to(portOfEmulator());
      process.env['PUBSUB_EMULATOR_HOST'] = `127.0.0.1:${switchboard.port}`;
      accept = async () => undefined;
      poked = [];
      outcomes = [];
      endings = [];
    });
    afterEach(async () => {
      await puller?.close();
      puller = null;
      await switchboard.close();
      delete process.env['PUBSUB_EMULATOR_HOST'];
    });

    async function pull(): Promise<Puller> {
      const subscription = `projects/tidemark-test/subscriptions/faults-${++subscriptions}`;
      await emulator.createSubscription(subscription, { topic: TOPIC });
      return pullFrom(subscription);
    }

    function pullFrom(subscription: string): Puller {
      const log = createLog('silent');
      const poke = async (mailbox: string): Promise<void> => {
        await accept();
        poked.push(mailbox);
      };
      const receiver = new Receiver({ poke, count: (outcome) => outcomes.push(outcome), log });
      puller = startPull({ subscription, receiver, log, clock: hurriedClock });
      const note = (ending: unknown): number => endings.push(ending);
      puller.ended.then(note, note);
      return puller;
    }

    const publish = (mailbox: string): Promise<void> =>
      emulator.publish(TOPIC, JSON.stringify({ emailAddress: mailbox, historyId: 7 }));
    /** Pub/Sub delivers again, after ten seconds each time, what it had handed to a broken connection. */
    const arrives = (mailbox: string): Promise<unknown> =>
      eventually(
        60_000,
        async () => (poked.includes(mailbox) ? true : null),
        () => `${mailbox}: ${outcomes.join(', ')}`,
      );

    it('delivers again what Temporal did not accept, until Temporal accepts it', async () => {
      let refusals = 3;
      accept = async () => {
        if (refusals-- > 0) throw new Error('Temporal is away');
      };
      await pull();
      await publish('again@example.com');
      const began = performance.now();
      await arrives('again@example.com');
      expect(outcomes).toEqual(['failed', 'failed', 'failed', 'accepted']);
      // With pauses of five seconds in between, which the hurried clock makes a fifth of a second.
      expect(performance.now() - began).toBeGreaterThan(3 * 190);
    });

    it('goes on after Pub/Sub was away, at the start and later', async () => {
      switchboard.leadTo(null);
      await pull();
      await publish('early@example.com');
      switchboard.leadTo(portOfEmulator());
      await arrives('early@example.com');
      switchboard.leadTo(null);
      await publish('late@example.com');
      switchboard.leadTo(portOfEmulator());
      await arrives('late@example.com');
      expect(endings).toEqual([]);
    }, 150_000);

    it.each([
      ['UNKNOWN', 2],
      ['INTERNAL', 13],
      ['UNAUTHENTICATED', 16],
    ])(
      'opens the subscription again after a temporary refusal: %s',
      async (_name, status) => {
        const refusing = await refuseWith(status);
        switchboard.leadTo(refusing.port);
        await pull();
        await eventually(20_000, async () => (refusing.calls() > 6 ? true : null));
        switchboard.leadTo(portOfEmulator());
        await refusing.close();
        await publish('after@example.com');
        await arrives('after@example.com');
        expect(endings).toEqual([]);
      },
      60_000,
    );

    it.each([
      ['NOT_FOUND', 5],
      ['PERMISSION_DENIED', 7],
    ])(
      'ends with the reason after a refusal that only a person can fix: %s',
      async (_name, code) => {
        const refusing = await refuseWith(code);
        switchboard.leadTo(refusing.port);
        await expect((await pull()).ended).rejects.toMatchObject({ code });
        await refusing.close();
      },
      30_000,
    );

    it('gives back at once what it holds when it must stop', async () => {
      accept = () => Promise.reject(new Error('Temporal is away'));
      const first = await pull();
      await publish('held@example.com');
      await eventually(20_000, async () => (outcomes.length > 0 ? true : null));
      await first.close();
      accept = async () => undefined;
      pullFrom(`projects/tidemark-test/subscriptions/faults-${subscriptions}`);
      // Sooner than the ten seconds after which Pub/Sub takes it for lost.
      await eventually(8_000, async () => (poked.includes('held@example.com') ? true : null));
      expect(outcomes).toEqual(['failed', 'accepted']);
    });

    it('ends without an error while Pub/Sub is away', async () => {
      const stopped = await pull();
      switchboard.leadTo(null);
      await stopped.close();
      puller = null;
      await expect(stopped.ended).resolves.toBeUndefined();
    });
  },
);
