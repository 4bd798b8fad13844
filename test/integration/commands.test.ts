import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MAX_BATCH } from '../../src/gmail/api/gmail-api.ts';
import * as definitions from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

describe.concurrent('what people and programs ask of a mailbox', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('commands');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  const slowly = (box: TestMailbox, ms: number) =>
    rig.simulator.faults.add({ match: { email: box.id, method: 'batch' }, effect: { kind: 'slow', ms } });
  const pending = async (box: TestMailbox): Promise<number> =>
    (await box.handle.describe()).raw.pendingActivities?.length ?? 0;

  it('200 signals within a second cause few partial syncs, and all are counted', async () => {
    const box = await rig.mailbox('signals', { messages: 20, pollInterval: 60_000 });
    await box.start();
    const before = await box.exact(20_000);
    const { pokes } = await box.handle.query(definitions.status);
    // As fast as the server takes them: within a second on an idle machine.
    await Promise.all(Array.from({ length: 200 }, () => box.handle.signal(definitions.poke)));
    box.deliver('with the last of them');
    await box.handle.signal(definitions.poke);
    const report = await box.exact(30_000);
    expect((await box.handle.query(definitions.status)).pokes).toBe(pokes + 201);
    expect((report.partialSyncs ?? 0) - (before.partialSyncs ?? 0)).toBeLessThanOrEqual(20);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  it('no signal is lost during continue-as-new, and the runs are one chain', async () => {
    const box = await rig.mailbox('chain', { messages: 20, pollInterval: 60_000 });
    await box.start();
    await box.exact(20_000);
    const { pokes } = await box.handle.query(definitions.status);
    let sent = 0;
    const runIds = new Set<string>();
    while (runIds.size < 3) {
      runIds.add((await box.handle.describe()).runId);
      box.deliver(`number ${sent}`);
      await Promise.all(Array.from({ length: 5 }, () => box.handle.signal(definitions.poke)));
      sent += 5;
      await sleep(60);
    }
    await box.exact(30_000);
    expect((await box.handle.query(definitions.status)).pokes).toBe(pokes + sent);
    const runs = await box.runs();
    expect(runs.map(({ runId }) => runId)).toEqual(expect.arrayContaining([...runIds]));
    // A run exceeds its usual length by what came while its last activity ended.
    for (const { history } of runs) expect(history.events?.length ?? 0).toBeLessThan(800);
    expect(
      new Set(
        runs.map(({ history }) => history.events?.[0]?.workflowExecutionStartedEventAttributes?.firstExecutionRunId),
      ).size,
    ).toBe(1);
    expect(await box.workflowFailures()).toEqual([]);
  }, 90_000);

  it('updates across continue-as-new are answered after the sync that they wait for', async () => {
    const box = await rig.mailbox('updates', { messages: 10, pollInterval: 60_000 });
    await box.start();
    await box.exact(20_000);
    for (let i = 0; i < 25; i++) {
      const { id } = box.deliver(`number ${i}`);
      const noise = Promise.all(Array.from({ length: 10 }, () => box.handle.signal(definitions.poke)));
      await box.client.sync(box.id, { wait: true });
      await noise;
      const held = new Set<string>();
      for await (const message of box.client.streamMessages(box.id)) held.add(message.id);
      expect(held.has(id), `mail ${i}`).toBe(true);
    }
    expect((await box.runs()).length).toBeGreaterThan(1);
    expect(await box.workflowFailures()).toEqual([]);
  }, 90_000);

  it('pause cancels activities promptly and lets no call through, and resume goes on', async () => {
    const box = await rig.mailbox('pause', { messages: 500, threadSize: 1, pollInterval: 500 });
    const slow = slowly(box, 1_000);
    await box.start();
    await eventually(30_000, async () => ((await box.report()).counts.stored > 20 ? true : null));
    // From now on a batch takes longer than the wait below, so an activity that ends was cancelled in the middle of it.
    const held = slowly(box, 40_000);
    await box.client.pause(box.id);
    await eventually(20_000, async () => ((await pending(box)) === 0 ? true : null));
    for (const fault of [slow, held]) fault.remove();
    const { phase, counts } = await box.report();
    expect(phase).toBe('paused');
    expect(counts.pending).toBeGreaterThan(0);
    expect(await box.isFoundAs('paused')).toBe(true);
    const requests = rig.simulator.requests.get(box.id);
    box.deliver('in the pause');
    await box.client.poke(box.id);
    await sleep(1_500);
    expect(rig.simulator.requests.get(box.id)).toBe(requests);
    await box.client.resume(box.id);
    await box.exact(30_000);
    // Only what was in flight, or answered and not yet stored, when the pause came is fetched again.
    const { methods, peakConcurrency } = rig.simulator.usage.of(box.id);
    expect(methods['messages.get']?.calls ?? 0).toBeLessThanOrEqual(box.ids().length + peakConcurrency + MAX_BATCH);
    expect(await box.workflowFailures()).toEqual([]);
  }, 60_000);

  it('stop ends the workflow in mid-sync and keeps the data; start goes on from there', async () => {
    const box = await rig.mailbox('stop', { messages: 700, threadSize: 1, pollInterval: 500 });
    slowly(box, 300);
    await box.start();
    await eventually(30_000, async () => ((await box.report()).counts.stored > 20 ? true : null));
    expect(await box.client.stop(box.id)).toEqual({ ended: true });
    expect((await box.handle.describe()).status.name).toBe('COMPLETED');
    const { counts, phase } = await box.report();
    expect(phase).toBe('stopped');
    expect(counts.stored).toBeGreaterThan(20);
    expect(counts.pending).toBeGreaterThan(0);
    await box.start();
    await box.exact(30_000);
    expect(rig.simulator.usage.of(box.id).methods['messages.list']?.calls ?? 0).toBeLessThanOrEqual(4);
  }, 60_000);

  it.each(['cancel', 'terminate'] as const)(
    'a new start after %s from outside in mid-sync makes the mailbox exact',
    async (way) => {
      const box = await rig.mailbox(`outside-${way}`, { messages: 500, threadSize: 1, pollInterval: 500 });
      slowly(box, 300);
      await box.start();
      await eventually(30_000, async () => ((await box.report()).counts.stored > 20 ? true : null));
      await box.handle[way]();
      const ended = { cancel: 'CANCELLED', terminate: 'TERMINATED' }[way];
      await eventually(30_000, async () => ((await box.handle.describe()).status.name === ended ? true : null));
      const deleted = box.ids().slice(0, 3);
      box.gmail.deleteAll(deleted);
      box.deliver('while no workflow ran');
      await box.start();
      await box.exact(30_000);
      expect(await box.workflowFailures()).toEqual([]);
    },
    60_000,
  );

  it('resync answers with its generation, and a wait for that ends when all differences are corrected', async () => {
    const box = await rig.mailbox('resync', { messages: 80, threadSize: 1, pollInterval: 60_000 });
    await box.start();
    await box.exact(20_000);
    const fetched = rig.simulator.usage.of(box.id).methods['messages.get']?.calls ?? 0;
    const { generation } = await box.handle.executeUpdate(definitions.resync);
    expect(generation).toBe(2);
    let answer: definitions.AwaitResult;
    do answer = await box.handle.executeUpdate(definitions.awaitResync, { args: [{ generation }] });
    while (!answer.done);
    expect(answer).toMatchObject({ phase: 'live', lastError: null });
    expect(await box.differences()).toEqual([]);
    expect((await box.report()).generation).toBe(2);
    // Listed again, and nothing that is held fetched again.
    expect(rig.simulator.usage.of(box.id).methods['messages.get']?.calls ?? 0).toBe(fetched);
  }, 90_000);

  it('changed settings reach a running mailbox: another format is fetched, spam comes in', async () => {
    const box = await rig.mailbox('configure', { messages: 30, format: 'full', pollInterval: 60_000 });
    const spam = box.deliver('spam', ['SPAM']);
    await box.start();
    await box.exact(20_000);
    await box.client.start(box.id, { format: 'raw', scope: { includeSpamTrash: true } });
    await eventually(50_000, async () => {
      const held = new Map<string, string>();
      for await (const { id, format } of box.client.streamMessages(box.id)) held.set(id, format);
      const all = held.size === box.gmail.truth({ includeSpamTrash: true }).length;
      return all && held.get(spam.id) === 'raw' && [...held.values()].every((format) => format === 'raw') ? true : null;
    });
    expect(box.gmail.truth({ includeSpamTrash: true })).toHaveLength((await box.report()).counts.stored);
  }, 90_000);
});
