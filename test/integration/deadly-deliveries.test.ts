import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { DeadlyRig } from './deadly-rig.ts';

/** Milliseconds between two looks: seven workers die and start meanwhile, which takes a minute. */
const PAUSE = 300;

describe('a handler that ends its worker each time that it gets a certain message', () => {
  let deadly: DeadlyRig;
  beforeAll(async () => {
    deadly = await DeadlyRig.open();
  });
  afterAll(() => deadly.close());

  it('has only that change parked, and gets all others, of the same mailbox and of another', async () => {
    await deadly.rig.startWorker();
    const box = await deadly.mailboxWith('deadly', ['polite', 'poison', 'positive']);
    const beside = await deadly.mailboxWith('beside', ['one', 'two']);
    const restarted = await deadly.replaceWorker();
    const position = await eventually(
      400_000,
      async () => {
        await deadly.hurry(box, 'crm');
        const now = await deadly.positionOf(box, 'crm');
        return now?.parked === 1 && now.sequence === now.head ? now : null;
      },
      () => 'nothing parked',
      PAUSE,
    );
    expect(position).toMatchObject({ delivered: 2, error: null });
    const [parked, ...more] = await deadly.rig.tidemark.store.listParked({ name: 'crm', limit: 10 });
    expect(more).toEqual([]);
    expect(parked?.error).toBe(
      'The worker ended, stopped answering, or lost its database, 5 times while it handled this change',
    );
    expect((await tidemark(deadly.rig.env, 'deliveries', 'crm', '--parked')).stdout).toContain(parked?.error);
    const calls = restarted.of('crm', box);
    // Usually two calls with the batch and five with the change; a death during another attempt may cost one more.
    expect(calls.filter((subjects) => subjects.includes('poison')).length).toBeLessThanOrEqual(8);
    expect(calls.filter((subjects) => subjects.length === 1).flat()).toEqual(
      expect.arrayContaining(['polite', 'positive', 'poison']),
    );
    await eventually(60_000, async () => {
      for (const [each, name] of [
        [box, 'other'],
        [beside, 'other'],
        [beside, 'crm'],
      ] as const) {
        const now = await deadly.positionOf(each, name);
        if (now?.sequence !== now?.head || now?.parked !== 0) return null;
      }
      return true;
    });
    expect(restarted.deaths).toBeGreaterThanOrEqual(7);
    expect(await box.workflowFailures()).toEqual([]);
  }, 500_000);
});
