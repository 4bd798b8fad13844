import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { DeliveryContext, Handlers } from '../../src/deliveries/handler.ts';
import { createLog } from '../../src/host/log.ts';
import { EVENT_KINDS, type SubscribedEvent } from '../../src/model/subscribed-event.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { Receiver } from '../fixtures/host/webhook-receiver.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

interface Told {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

describe.concurrent('subscriptions get an event', () => {
  endMailboxesWithTheirTests();
  const handled: { readonly event: SubscribedEvent; readonly context: DeliveryContext }[] = [];
  /** The mailbox whose events the handler fails at the first attempt. */
  let failing: string | null = null;
  const handlers: Handlers = {
    consent: {
      filter: { kinds: [], events: EVENT_KINDS },
      handleEvent(event, context) {
        handled.push({ event, context });
        if (event.mailbox === failing && context.attempt === 1) throw new RangeError('not yet');
      },
    },
    mail: {
      handle: () => undefined,
    },
  };
  let rig: Rig;
  let receiver: Receiver;

  beforeAll(async () => {
    rig = await Rig.open('events');
    receiver = await Receiver.open();
    await rig.startWorker(createLog('silent'), hurriedClock, handlers);
    const url = `http://127.0.0.1:${receiver.port}/hooks`;
    const options = EVENT_KINDS.flatMap((kind) => ['--event', kind]);
    const made = await tidemark(
      rig.env,
      'subscribe',
      'hook',
      '--url',
      url,
      '--allow-private',
      '--kind',
      'none',
      ...options,
    );
    expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
  });
  afterAll(async () => {
    await rig.close();
    await receiver.close();
  });

  const toHandler = (box: TestMailbox) => handled.filter(({ event }) => event.mailbox === box.id);
  const toReceiver = (box: TestMailbox) =>
    receiver.received.filter(({ body }) => (JSON.parse(body) as Told).data['mailbox'] === box.id);
  const kindsOf = (box: TestMailbox) =>
    toHandler(box)
      .filter(({ context }) => context.mailbox !== failing || context.attempt > 1)
      .map(({ event }) => event.kind);
  const typesOf = (box: TestMailbox) => toReceiver(box).map(({ body }) => (JSON.parse(body) as Told).type);
  /** Waits until both the handler and the receiver got exactly these. */
  const isTold = (box: TestMailbox, kinds: readonly string[], within = 40_000): Promise<true> =>
    eventually(
      within,
      async () => (kindsOf(box).length >= kinds.length && typesOf(box).length >= kinds.length ? true : null),
      () => `${box.id}: ${kindsOf(box).join()} and ${typesOf(box).join()}, not ${kinds.join()}`,
    ).then((done) => {
      expect(kindsOf(box)).toEqual(kinds);
      expect(typesOf(box)).toEqual(
        kinds.map((kind) => (kind === 'message-failed' ? 'message.failed' : `mailbox.${kind.replace('-', '_')}`)),
      );
      return done;
    });

  async function inSync(name: string): Promise<TestMailbox> {
    const box = await rig.mailbox(name, { messages: 10, threadSize: 1, pollInterval: 60_000 });
    await box.start();
    await isTold(box, ['in-sync']);
    return box;
  }

  it('when a mailbox needs consent, which stops everything else, and when it is in sync again', async () => {
    const box = await inSync('consent');
    rig.simulator.revoke(box.id);
    await box.client.poke(box.id);
    await isTold(box, ['in-sync', 'needs-consent']);
    expect((await box.report()).phase).toBe('needs-consent');
    const [, needed] = toHandler(box);
    expect(needed?.event).toMatchObject({ kind: 'needs-consent', code: 'access-revoked', number: 2 });
    const reason = needed?.event.kind === 'needs-consent' ? needed.event.reason : '';
    expect(reason).toContain(`Google no longer accepts the credentials of ${box.id}`);
    expect(reason).not.toContain('tidemark ');
    const sent = JSON.parse(toReceiver(box)[1]?.body ?? '') as Told;
    expect(sent.data).toEqual({ mailbox: box.id, number: 2, code: 'access-revoked', reason });
    // Another attempt that Gmail refuses makes no second event.
    await box.client.resume(box.id);
    await box.reaches('needs-consent', 20_000);
    rig.simulator.grant(box.id);
    await box.connect();
    await box.client.reconnect(box.id);
    await isTold(box, ['in-sync', 'needs-consent', 'in-sync']);
    expect(await box.workflowFailures()).toEqual([]);
  }, 120_000);

  it('when a recovery from expired history has ended', async () => {
    const box = await inSync('expired');
    box.gmail.deleteAll(box.ids().slice(0, 2));
    box.gmail.expireHistory();
    await box.client.poke(box.id);
    await isTold(box, ['in-sync', 'recovered'], 90_000);
    expect((await box.exact(30_000)).recoveries).toBe(1);
  }, 180_000);

  it('when a message cannot be stored, with its id and the reason', async () => {
    const box = await rig.mailbox('failed', { messages: 10, threadSize: 1, pollInterval: 60_000 });
    const [culprit = ''] = box.ids();
    box.gmail.poison(culprit, 400);
    await box.start();
    await isTold(box, ['message-failed', 'in-sync'], 60_000);
    expect(toHandler(box)[0]?.event).toMatchObject({
      messageId: culprit,
      reason: expect.stringContaining('Gmail refuses'),
    });
    expect((JSON.parse(toReceiver(box)[0]?.body ?? '') as Told).data).toMatchObject({ messageId: culprit });
  }, 120_000);

  it('once more under the same id when the handler throws', async () => {
    const box = await rig.mailbox('throws', { messages: 3, threadSize: 1, pollInterval: 60_000 });
    failing = box.id;
    await box.start();
    await isTold(box, ['in-sync'], 60_000);
    const ids = toHandler(box).map(({ context }) => [context.attempt, context.deliveryId]);
    expect(ids).toEqual([
      [1, ids[0]?.[1]],
      [2, ids[0]?.[1]],
    ]);
  }, 90_000);

  it('only if they ask for events, and every change if they do not', async () => {
    const box = await inSync('mail');
    const { store } = rig.tidemark;
    const position = await eventually(20_000, async () => {
      const now = (await store.readPositions('mail')).find(({ mailbox }) => mailbox === box.id);
      return now !== undefined && now.sequence === now.head && now.event === now.eventHead ? now : null;
    });
    expect(position).toMatchObject({ delivered: position.head, parked: 0, error: null });
  }, 60_000);
});
