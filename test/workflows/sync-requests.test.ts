import { describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { pokeServed } from '../../src/workflows/lane-requests.ts';
import { transition } from '../../src/workflows/transition.ts';
import { isInSync } from '../../src/workflows/mailbox-state.ts';
import { planNext } from '../../src/workflows/plan.ts';
import { live, synced, T0 } from './mailbox-events.ts';

describe('pokes', () => {
  test('cost one partial sync, even if two hundred come before it', () => {
    let state = live();
    for (let i = 0; i < 200; i++) state = transition(state, { kind: 'poked' }, T0);
    expect(planNext(state, T0).live).toBe('partialSync');
    state = transition(transition(state, { kind: 'partial-sync-started' }, T0), synced({ changed: true }), T0);
    expect(planNext(state, T0 + 100).live).toBeNull();
    expect(isInSync(state)).toBe(true);
  });

  test('during a partial sync are followed by another partial sync', () => {
    let state = transition(live(), { kind: 'poked' }, T0);
    for (const event of [{ kind: 'partial-sync-started' }, { kind: 'poked' }, synced()] as const)
      state = transition(state, event, T0);
    expect(planNext(state, T0).live).toBe('partialSync');
    expect(isInSync(state)).toBe(false);
  });

  test('that found nothing are followed by another sync soon, and by one when history has settled', () => {
    let state = transition(live(), { kind: 'poked' }, T0 + 60_000);
    state = transition(transition(state, { kind: 'partial-sync-started' }, T0 + 60_000), synced(), T0 + 60_000);
    expect(state.nextPartialSyncAt).toBe(T0 + 63_000);
    state = transition(transition(state, { kind: 'partial-sync-started' }, T0 + 63_000), synced(), T0 + 63_000);
    expect(state.nextPartialSyncAt).toBe(T0 + 91_000);
    state = transition(transition(state, { kind: 'partial-sync-started' }, T0 + 91_000), synced(), T0 + 91_000);
    expect(state.nextPartialSyncAt).toBe(T0 + 91_000 + DEFAULT_SETTINGS.pollInterval);
  });

  test('whose settled read came due during a sync are followed by that read after the sync', () => {
    let state = transition(live(), { kind: 'poked' }, T0);
    state = transition(transition(state, { kind: 'partial-sync-started' }, T0), synced(), T0);
    state = transition(transition(state, { kind: 'partial-sync-started' }, T0 + 20_000), synced(), T0 + 40_000);
    expect(state.nextPartialSyncAt).toBe(T0 + 40_500);
  });
});

test('a partial sync that finds nothing does not move the settled read of an earlier one', () => {
  let state = transition(
    transition(live(), { kind: 'partial-sync-started' }, T0),
    synced({ changed: true, settleAt: T0 + 31_000 }),
    T0,
  );
  state = transition(transition(state, { kind: 'partial-sync-started' }, T0 + 5_000), synced(), T0 + 5_000);
  expect(state.nextPartialSyncAt).toBe(T0 + 31_000);
});

describe('how long a notification takes', () => {
  const started = { kind: 'partial-sync-started' } as const;
  const poked = { kind: 'poked' } as const;
  const served = (...steps: readonly (readonly [number, MailboxEvent])[]): ReturnType<typeof pokeServed> =>
    pokeServed(steps.reduce((state, [time, event]) => transition(state, event, time), live()));

  test('counts from the first poke that a partial sync serves', () => {
    expect(served([1, poked], [2, poked], [3, started])).toEqual({ pokedAt: 1 });
  });

  test('is not measured without a poke', () => {
    expect(served([3, started])).toEqual({});
    expect(served([1, poked], [2, started], [3, synced({ changed: true })], [4, started])).toEqual({});
  });

  test('counts a poke during a partial sync for the next one', () => {
    expect(served([1, poked], [2, started], [3, poked], [4, synced({ changed: true })], [5, started])).toEqual({
      pokedAt: 3,
    });
  });

  test('lasts over empty or unfinished syncs, until history has settled or a newer poke comes', () => {
    expect(served([1, poked], [2, started], [3, synced()], [4, started])).toEqual({ pokedAt: 1 });
    expect(served([1, poked], [2, started], [3, synced()], [4, started], [5, synced()], [31_001, started])).toEqual({
      pokedAt: 1,
    });
    expect(
      served([1, poked], [2, started], [3, synced()], [31_001, started], [31_002, synced()], [31_003, started]),
    ).toEqual({});
    expect(served([1, poked], [2, started], [3, synced()], [9, poked], [10, started])).toEqual({ pokedAt: 9 });
    expect(served([1, poked], [2, started], [3, synced({ changed: true, more: true })], [4, started])).toEqual({
      pokedAt: 1,
    });
  });

  test('does not count a pause', () => {
    expect(served([1, { kind: 'paused' }], [2, poked], [9, { kind: 'resumed' }], [10, started])).toEqual({});
  });
});
