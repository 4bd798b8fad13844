import { describe, expect, test } from 'vitest';
import { ByteRoom } from '../../src/gmail/quota/byte-room.ts';

/** Work that runs until it is told to end. */
function work(log: string[], name: string) {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    run: async () => {
      log.push(name);
      await promise;
    },
    end: resolve,
  };
}

const passed = () => new Promise((resolve) => setImmediate(resolve));

describe('room for large messages', () => {
  test('is given in the order of the requests, as far as it goes', async () => {
    const room = new ByteRoom(100);
    const log: string[] = [];
    const [a, b, c] = [work(log, 'a'), work(log, 'b'), work(log, 'c')];
    const all = [room.holding(60, a.run), room.holding(60, b.run), room.holding(10, c.run)];
    await passed();
    expect(log).toEqual(['a']);
    a.end();
    await passed();
    expect(log).toEqual(['a', 'b', 'c']);
    b.end();
    c.end();
    await Promise.all(all);
  });

  test('goes to a message larger than the whole room once nothing else holds any', async () => {
    const room = new ByteRoom(100);
    const log: string[] = [];
    const [small, large, next] = [work(log, 'small'), work(log, 'large'), work(log, 'next')];
    const all = [room.holding(1, small.run), room.holding(5_000, large.run), room.holding(1, next.run)];
    await passed();
    expect(log).toEqual(['small']);
    small.end();
    await passed();
    expect(log).toEqual(['small', 'large']);
    large.end();
    next.end();
    await Promise.all(all);
    expect(log).toEqual(['small', 'large', 'next']);
  });

  test('is not needed by work that holds nothing, and comes back from work that failed or was given up', async () => {
    const room = new ByteRoom(100);
    const log: string[] = [];
    const [a, nothing] = [work(log, 'a'), work(log, 'nothing')];
    const first = room.holding(100, a.run);
    const giveUp = new AbortController();
    const given = room.holding(100, () => Promise.reject(new Error('never runs')), giveUp.signal);
    const second = room.holding(50, () => Promise.reject(new Error('it failed')));
    const free = room.holding(0, nothing.run);
    await passed();
    expect(log.toSorted()).toEqual(['a', 'nothing']);
    giveUp.abort(new Error('given up'));
    await expect(given).rejects.toThrow('given up');
    a.end();
    nothing.end();
    await expect(second).rejects.toThrow('it failed');
    await Promise.all([first, free]);
    await expect(room.holding(100, () => Promise.resolve('room'))).resolves.toBe('room');
  });
});
