import { describe, expect, it } from 'vitest';
import { createVirtualClock } from './virtual-clock.ts';

describe('the virtual clock', () => {
  it('lets an hour pass in the order of its sleepers, without waiting', async () => {
    const clock = createVirtualClock({ start: 0 });
    const log: string[] = [];
    const work = async (name: string, pause: number): Promise<void> => {
      for (let time = 0; time < 2; time++) {
        await clock.sleep(pause);
        log.push(`${name} ${clock.now()}`);
      }
    };
    await clock.run(() => Promise.all([work('slow', 3_600_000), work('quick', 1_000)]));
    expect(log).toEqual(['quick 1000', 'quick 2000', 'slow 3600000', 'slow 7200000']);
  });

  it('wakes nobody who was aborted', async () => {
    const clock = createVirtualClock({ start: 0 });
    const controller = new AbortController();
    const reason = new Error('enough');
    await clock.run(async () => {
      const asleep = clock.sleep(1_000, controller.signal).catch((error: unknown) => error);
      controller.abort(reason);
      expect(await asleep).toBe(reason);
      await expect(clock.sleep(1, controller.signal)).rejects.toBe(reason);
    });
    expect(clock.sleepers()).toBe(0);
    expect(clock.now()).toBe(0);
  });

  it('says so when the work waits for something that will never come', async () => {
    const clock = createVirtualClock();
    await expect(clock.run(() => new Promise(() => {}))).rejects.toThrow(/no sleeper will bring/);
  });

  it('repeats its chances for the same seed', () => {
    const draw = (seed: number): number[] => {
      const clock = createVirtualClock({ seed });
      return Array.from({ length: 5 }, () => clock.random());
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(7).every((chance) => chance >= 0 && chance < 1)).toBe(true);
  });
});
