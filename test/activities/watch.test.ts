import { afterEach, expect, it } from 'vitest';

import { partialSync } from '../../src/activities/partial-sync.ts';
import { stopWatch } from '../../src/activities/watch.ts';
import { labelId } from '../../src/model/ids.ts';
import { transition } from '../../src/workflows/transition.ts';
import { ADA, RUN, RunningMailbox, expectExact } from './running-mailbox.ts';

const TOPIC = 'projects/p/topics/mail';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let box: RunningMailbox;
afterEach(() => box.close());

const watchCalls = (): number => box.calls()['watch'] ?? 0;
const syncs = (): number => box.calls()['history.list'] ?? 0;
const row = async () => box.stores.store.getMailbox(ADA);

it('a mailbox is watched from its first partial sync on, and its watch is renewed only once a day', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  box.receive(5);
  await box.settle();
  expect(watchCalls()).toBe(1);
  expect(box.simulator.watchedUntil(ADA)).toBe((await row())?.watch?.held?.expiration);
  for (let hour = 0; hour < 3 * 24; hour++) {
    box.receive(1, { from: box.clock.now() });
    await box.run(HOUR);
  }
  expect(watchCalls()).toBe(4);
  await expectExact(box);
});

it('without a topic, or where the settings say so, nothing is watched', async () => {
  box = await RunningMailbox.open();
  await box.settle();
  expect(watchCalls()).toBe(0);
  await box.close();
  box = await RunningMailbox.open({ push: null }, { pushTopic: TOPIC });
  await box.settle();
  expect(watchCalls()).toBe(0);
});

it('a quiet mailbox is polled ever more rarely, in the end once a day, when its watch is renewed', async () => {
  box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
  await box.settle();
  let before = syncs();
  await box.run(DAY);
  // 1, 2, 4 … 1,440 minutes after the last change.
  expect(syncs() - before).toBeLessThanOrEqual(13);
  for (let day = 0; day < 5; day++) {
    before = syncs();
    await box.run(DAY);
    expect(syncs() - before).toBe(1);
  }
  expect(watchCalls()).toBe(7);
});

it('a notification is served at once, even after days of quiet', async () => {
  box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
  await box.settle();
  await box.run(3 * DAY);
  box.receive(1, { from: box.clock.now() });
  await box.run(2_000);
  expect((await box.counts()).stored).toBe(1);
});

it.each([10, 25])(
  'mail that history shows %i s after its notification is stored within a minute, even after days of quiet',
  async (seconds) => {
    box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
    await box.settle();
    await box.run(2 * DAY);
    box.gmail.lag.historyMs = seconds * 1_000;
    box.receive(1, { from: box.clock.now() });
    await box.run(5_000);
    expect((await box.counts()).stored).toBe(0);
    await box.run(MINUTE - 5_000);
    expect((await box.counts()).stored).toBe(1);
  },
);

it('a change without a notification, soon after another one, is read within 35 s, and push stays trusted', async () => {
  box = await RunningMailbox.open({ pollInterval: 10 * MINUTE }, { pushTopic: TOPIC });
  await box.settle();
  await box.run(3 * DAY);
  const before = box.notifications;
  box.receive(1, { from: box.clock.now() });
  await box.run(900);
  expect((await box.counts()).stored).toBe(1);
  box.receive(1, { from: box.clock.now() });
  await box.run(5_000);
  expect((await box.counts()).stored).toBe(1);
  await box.run(30_000);
  expect((await box.counts()).stored).toBe(2);
  expect(box.notifications).toBe(before + 1);
  expect(box.lanes.state.push.isMissing).toBe(false);
});

it('polling comes back when a change is found without a notification, until the next notification', async () => {
  box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
  await box.settle();
  await box.run(2 * DAY);
  box.hears = false;
  box.receive(1, { from: box.clock.now() });
  // Found at the latest by the sync that renews the watch.
  await box.run(DAY);
  expect((await box.counts()).stored).toBe(1);
  let before = syncs();
  await box.run(2 * HOUR);
  expect(syncs() - before).toBeGreaterThanOrEqual(118);
  box.hears = true;
  box.receive(1, { from: box.clock.now() });
  await box.run(2 * HOUR);
  before = syncs();
  await box.run(2 * HOUR);
  expect(syncs() - before).toBeLessThanOrEqual(2);
});

it('polling comes back when Gmail refuses to renew the watch, and the refusal is shown', async () => {
  box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
  await box.settle();
  await box.run(2 * DAY);
  const calls = watchCalls();
  const refusal = box.simulator.faults.add({
    match: { method: 'watch' },
    effect: {
      kind: 'status',
      status: 403,
      reason: 'forbidden',
      message: 'User not authorized to perform this action.',
    },
  });
  await box.run(DAY);
  const before = { syncs: syncs(), refused: refusal.strikes };
  expect(before.refused).toBeGreaterThan(0);
  await box.run(5 * HOUR);
  expect(syncs() - before.syncs).toBeGreaterThanOrEqual(290);
  // Once an hour, although the mailbox is polled every minute.
  expect(refusal.strikes - before.refused).toBe(5);
  expect(box.lanes.state.lastError?.message).toMatch(
    /refuses to watch ada@example\.com for projects\/p\/topics\/mail \(forbidden\).*gmail-api-push@system/,
  );
  box.simulator.faults.clear();
  await box.run(2 * HOUR);
  expect(watchCalls()).toBe(calls + 1);
  expect(box.lanes.state.push.watch).not.toBeNull();
});

const FORBIDDEN = { kind: 'status', status: 403, reason: 'forbidden', message: 'Not authorized.' } as const;

it('a refusal to end the watch is reported as that, and the error is over once Gmail ends it', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  await box.settle();
  box.simulator.faults.add({ match: { method: 'stop' }, effect: FORBIDDEN });
  await box.configure({ push: null });
  expect(box.lanes.state.lastError).toMatchObject({
    message: expect.stringMatching(/^Gmail refuses to end its watch of ada@example\.com \(forbidden\)/),
    mendedAt: null,
  });
  box.simulator.faults.clear();
  await box.run(2 * HOUR);
  expect(box.simulator.watchedUntil(ADA)).toBeNull();
  expect(box.lanes.state.lastError?.mendedAt).not.toBeNull();
});

it('a refused watch is no longer an error once workers have no topic', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  box.simulator.faults.add({ match: { method: 'watch' }, effect: FORBIDDEN });
  await box.settle();
  const { state } = box.lanes;
  expect(state.lastError).toMatchObject({ message: expect.stringContaining('refuses to watch'), mendedAt: null });
  const synced = async (pushTopic: string | null) =>
    transition(
      state,
      {
        kind: 'partial-synced',
        ...(await partialSync({ ...box.deps, pushTopic }, { mailbox: ADA, historyId: null }, RUN)),
      },
      box.clock.now(),
    );
  expect((await synced(TOPIC)).lastError?.mendedAt).toBeNull();
  expect((await synced(null)).lastError?.mendedAt).toBe(box.clock.now());
});

it('a watch that Gmail cannot make now does not hold up the mail', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  box.simulator.faults.add({ match: { method: 'watch' }, effect: { kind: 'status', status: 503 } });
  box.receive(5);
  await box.settle();
  expect((await box.counts()).stored).toBe(5);
  expect(box.lanes.state.push.watch).toBeNull();
  expect(box.lanes.state.lastError).toBeNull();
  box.simulator.faults.clear();
  await box.run(HOUR);
  expect(watchCalls()).toBe(1);
});

it('a setting switches push off and on again, and its labels filter the notifications', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  await box.settle();
  await box.configure({ push: null });
  expect(box.simulator.watchedUntil(ADA)).toBeNull();
  expect((await row())?.watch).toBeNull();
  box.gmail.createLabel('Work');
  await box.configure({ push: { labelIds: [labelId('INBOX')] } });
  const before = box.notifications;
  box.receive(1, { labelIds: ['SENT'], from: box.clock.now() });
  await box.run(5_000);
  expect(box.notifications).toBe(before);
  box.receive(1, { labelIds: ['INBOX'], from: box.clock.now() });
  await box.run(5_000);
  expect(box.notifications).toBe(before + 1);
});

it('a new topic replaces the one that Tidemark watched, but not one of another application', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  await box.settle();
  await partialSync({ ...box.deps, pushTopic: 'projects/p/topics/other' }, { mailbox: ADA, historyId: null }, RUN);
  expect((await row())?.watch?.held?.topicName).toBe('projects/p/topics/other');
  await box.stores.store.saveWatch({ mailbox: ADA, watch: null });
  const { watch, watchRefusal } = await partialSync(box.deps, { mailbox: ADA, historyId: null }, RUN);
  expect(watch).toBeNull();
  expect(watchRefusal).toMatch(/failedPrecondition/);
});

it('a mailbox that stops ends its watch, once', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  await box.settle();
  for (let time = 0; time < 2; time++) await stopWatch(box.deps, { mailbox: ADA }, RUN);
  expect(box.simulator.watchedUntil(ADA)).toBeNull();
  expect(box.calls()['stop']).toBe(1);
});

it('the notification with which Gmail announces a renewal costs no sync, and push stays trusted', async () => {
  box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
  box.simulator.delivery.announcesWatches = true;
  for (const delayMs of [0, 20_000]) {
    box.simulator.delivery.delayMs = delayMs;
    await box.settle();
    await box.run(DAY);
    const [syncsBefore, notificationsBefore] = [syncs(), box.notifications];
    await box.run(4 * DAY);
    expect(box.notifications - notificationsBefore).toBe(4);
    expect(syncs() - syncsBefore).toBe(4);
  }
});

it("of two notifications with a renewal's history id, only the second starts a sync", async () => {
  box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
  await box.settle();
  await box.run(2 * DAY);
  const { renewAt } = box.lanes.state.push.watch ?? { renewAt: 0 };
  await box.run(renewAt - box.clock.now() + 1_000);
  const notification = { kind: 'notified', historyId: box.lanes.state.historyId } as const;
  const before = syncs();
  box.lanes.dispatch(notification);
  await box.run(1_000);
  expect(syncs()).toBe(before);
  box.lanes.dispatch(notification);
  await box.run(1_000);
  expect(syncs()).toBe(before + 1);
});

it("without announced renewals, a notification with a renewal's history id is read once, after 30 s", async () => {
  box = await RunningMailbox.open({ pollInterval: MINUTE }, { pushTopic: TOPIC });
  await box.settle();
  await box.run(2 * DAY);
  const { renewAt } = box.lanes.state.push.watch ?? { renewAt: 0 };
  await box.run(renewAt - box.clock.now() + 1_000);
  const notification = { kind: 'notified', historyId: box.lanes.state.historyId } as const;
  const before = syncs();
  box.lanes.dispatch(notification);
  await box.run(30_000);
  expect(syncs()).toBe(before);
  await box.run(2_000);
  expect(syncs()).toBe(before + 1);
  await box.run(HOUR);
  expect(syncs()).toBe(before + 1);
});

it('a watch and a refusal that a clock a day ahead wrote do not delay the next renewal', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  await box.settle();
  const watch = (await row())?.watch;
  if (watch?.held == null) throw new Error('not watched');
  const { store } = box.stores;
  const sync = () => partialSync(box.deps, { mailbox: ADA, historyId: null }, RUN);
  await store.saveWatch({
    mailbox: ADA,
    watch: { held: { ...watch.held, renewedAt: box.clock.now() + DAY }, retry: null },
  });
  const result = await sync();
  expect(result.watch).toMatchObject({ isRenewed: true, renewIn: DAY });
  expect(watchCalls()).toBe(2);
  await store.saveWatch({
    mailbox: ADA,
    watch: { held: null, retry: { topicName: TOPIC, labelIds: watch.held.labelIds, at: box.clock.now() + 2 * DAY } },
  });
  await sync();
  expect(watchCalls()).toBe(3);
});

it('a clock weeks ahead, beyond the end of every watch, renews the watch once, not with each sync', async () => {
  box = await RunningMailbox.open({}, { pushTopic: TOPIC });
  await box.settle();
  const ahead = {
    now: () => box.clock.now() + 21 * DAY,
    sleep: (milliseconds: number, signal?: AbortSignal) => box.clock.sleep(milliseconds, signal),
    random: () => 0.5,
  };
  for (let sync = 0; sync < 4; sync++) {
    const { watch } = await partialSync({ ...box.deps, clock: ahead }, { mailbox: ADA, historyId: null }, RUN);
    expect(watch).toMatchObject({ isRenewed: sync === 0, renewIn: DAY, expiration: box.simulator.watchedUntil(ADA) });
  }
  expect(watchCalls()).toBe(2);
});
