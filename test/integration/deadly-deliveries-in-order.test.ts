import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/host/system-clock.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { DeadlyRig } from './deadly-rig.ts';

describe('a handler that ends its worker, and whose order is above-all', () => {
  let deadly: DeadlyRig;
  beforeAll(async () => {
    deadly = await DeadlyRig.open();
  });
  afterAll(() => deadly.close());

  it('holds up only the mailbox concerned, with the reason shown, and lets workers live between attempts', async () => {
    await deadly.rig.startWorker();
    const box = await deadly.mailboxWith('above-all', ['venom', 'later v']);
    const beside = await deadly.mailboxWith('beside-all', ['v one', 'v two']);
    const restarted = await deadly.replaceWorker();
    const held = await eventually(150_000, async () => {
      const now = await deadly.positionOf(box, 'strict');
      return (now?.delivery?.attempts ?? 0) >= 2 && (now?.nextAttemptAt ?? 0) > systemClock.now() + 10_000 ? now : null;
    });
    expect(held).toMatchObject({
      delivered: 0,
      parked: 0,
      error: 'The worker ended, stopped answering, or lost its database, at least once while it handled this change',
    });
    const { deaths } = restarted;
    await eventually(60_000, async () => {
      const all = [
        await deadly.positionOf(beside, 'strict'),
        await deadly.positionOf(box, 'other'),
        await deadly.positionOf(box, 'crm'),
      ];
      return all.every((each) => each !== undefined && each.sequence === each.head && each.parked === 0) ? true : null;
    });
    expect(restarted.deaths - deaths).toBeLessThanOrEqual(2);
    expect((await tidemark(deadly.rig.env, 'deliveries', 'strict')).stdout).toMatch(
      /The worker ended.*\(next attempt /,
    );
    // Shown once the server has missed the heartbeats of the last worker that died, and the next worker has looked.
    await eventually(90_000, async () =>
      /deliveries +strict waits since/.test((await tidemark(deadly.rig.env, 'status', box.id)).stdout) ? true : null,
    );
  }, 300_000);
});
