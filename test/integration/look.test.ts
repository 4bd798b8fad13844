import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const SECOND = 1_000;

type Events = NonNullable<Awaited<ReturnType<TestMailbox['runs']>>[number]['history']['events']>;

/** The activities and local activities that the mailbox's run has begun, in their order. */
async function begun(box: TestMailbox): Promise<readonly string[]> {
  const events = await eventsOf(box);
  return events.flatMap((event) => {
    const activity = event.activityTaskScheduledEventAttributes?.activityType?.name;
    if (activity != null) return [activity];
    return event.markerRecordedEventAttributes?.markerName === 'core_local_activity' ? ['local activity'] : [];
  });
}

async function eventsOf(box: TestMailbox): Promise<Events> {
  const runs = await box.runs();
  return runs.at(-1)?.history.events ?? [];
}

describe('a mailbox in sync that is polled', () => {
  let rig: Rig;
  let box: TestMailbox;

  beforeAll(async () => {
    rig = await Rig.open('look');
    await rig.startWorker();
    box = await rig.mailbox('look', { pollInterval: 2 * SECOND });
    box.deliver('one');
    await box.start();
    await box.exact(60 * SECOND);
  });
  afterAll(() => rig.close());

  /** Polls are seconds apart. */
  const untilLooksOnly = (within: number) => eventually(within, looksOnly, undefined, SECOND / 2);

  let length = 0;
  /** Asks for the events only when there are more than the last time: nothing else can have changed the answer. */
  const looksOnly = async (): Promise<true | null> => {
    const former = length;
    length = await box.historyLength();
    if (length === former) return null;
    const last = (await begun(box)).slice(-3);
    return last.length === 3 && last.every((name) => name === 'local activity') ? true : null;
  };

  it('only looks, which makes half the events of a partial sync', async () => {
    // After a first sync, the relisting is made, half a minute later.
    await untilLooksOnly(90 * SECOND);
    const events = await eventsOf(box);
    const fired = events.flatMap((event, index) => (event.timerFiredEventAttributes == null ? [] : [index]));
    const [before = 0, last = 0] = fired.slice(-2);
    expect(last - before).toBe(6);
  });

  it('is kept exact, since a look that finds something is followed by a partial sync', async () => {
    const before = await begun(box);
    box.deliver('two');
    await box.exact(20 * SECOND);
    expect((await begun(box)).slice(before.length)).toContain('partialSync');
  });

  it('is kept exact where Gmail answers too slowly for a look', async () => {
    const before = await begun(box);
    rig.simulator.latencyMs = 2 * SECOND;
    try {
      await eventually(20 * SECOND, async () => ((await begun(box)).length > before.length + 1 ? true : null));
      box.deliver('three');
      await box.exact(60 * SECOND);
      expect((await begun(box)).slice(before.length)).toContain('partialSync');
    } finally {
      rig.simulator.latencyMs = 0;
    }
    await untilLooksOnly(60 * SECOND);
  });

  it('goes on after its worker has shut down in the middle of a look', async () => {
    const requests = () => rig.simulator.requests.get(box.id) ?? 0;
    const before = requests();
    rig.simulator.latencyMs = SECOND;
    await eventually(20 * SECOND, async () => (requests() > before ? true : null));
    await rig.stopWorker();
    rig.simulator.latencyMs = 0;
    box.deliver('four');
    await rig.startWorker();
    await box.exact(60 * SECOND);
    expect(await box.workflowFailures()).toEqual([]);
    await untilLooksOnly(60 * SECOND);
  });
});
