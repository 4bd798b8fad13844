import { describe, expect, it } from 'vitest';
import { Turnstile } from '../../src/gmail/quota/turnstile.ts';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

describe('a turnstile', () => {
  it('lets one through at a time, in the order they came', async () => {
    const turnstile = new Turnstile();
    const passed: number[] = [];
    const visits = [1, 2, 3].map(async (visitor) => {
      const leave = await turnstile.enter();
      passed.push(visitor);
      await settle();
      expect(passed.at(-1)).toBe(visitor);
      leave();
    });
    await Promise.all(visits);
    expect(passed).toEqual([1, 2, 3]);
  });

  it('skips a visitor who left the queue, and lets the next one in only at its turn', async () => {
    const turnstile = new Turnstile();
    const leaveFirst = await turnstile.enter();
    const controller = new AbortController();
    const second = turnstile.enter(controller.signal).catch((error: unknown) => error);
    let thirdIsIn = false;
    const third = turnstile.enter().then((leave) => {
      thirdIsIn = true;
      return leave;
    });
    const reason = new Error('gone');
    controller.abort(reason);
    expect(await second).toBe(reason);
    await settle();
    expect(thirdIsIn).toBe(false);
    leaveFirst();
    (await third)();
    expect(thirdIsIn).toBe(true);
  });
});
