import { describe, expect, test } from 'vitest';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import { configurationEvent } from '../../src/workflows/configuration-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { initialState, isInSync, phaseOf, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { planNext } from '../../src/workflows/plan.ts';
import { after, fresh, listed, live, opened, sliced, synced, T0 } from './mailbox-events.ts';

describe('a backfill that the daily budget holds back', () => {
  const midnight = T0 + 3_600_000;
  const held = after(
    opened(),
    listed(1),
    sliced({ fetched: 0, complete: false, pending: 10, nextAttemptAt: midnight, heldUntil: midnight }),
  );

  test('is shown as rate-limited until midnight, also after live syncs, which go on', () => {
    expect(phaseOf(held)).toBe('rate-limited');
    expect(planNext(held, T0).live).toBe('partialSync');
    const later = transition(transition(held, { kind: 'partial-sync-started' }, T0), synced({ pending: 10 }), T0);
    expect(phaseOf(later)).toBe('rate-limited');
    expect(planNext(later, T0 + 1)).toMatchObject({ live: null, backfill: null });
  });

  test('goes on at midnight, or when a person resumes it', () => {
    expect(planNext(held, midnight).backfill).toEqual({ activity: 'fetchSlice' });
    expect(planNext(transition(held, { kind: 'resumed' }, T0), T0).backfill).toEqual({ activity: 'fetchSlice' });
    expect(phaseOf(transition(held, sliced({ complete: false, nextAttemptAt: T0 }), midnight))).toBe('full-sync');
  });
});

describe('a new workflow', () => {
  test('asks the store before anything else', () => {
    expect(planNext(fresh(), T0)).toEqual({ live: null, backfill: { activity: 'openMailbox' }, wakeAt: null });
  });

  test('lists the mailbox when the store is empty', () => {
    const state = after(opened());
    expect(state.generation).toBe(1);
    expect(planNext(state, T0).backfill).toEqual({ activity: 'fullSync', reason: 'initial' });
  });

  test('goes on with a partial sync when the store is already filled, as under a new Temporal server', () => {
    const state = after(opened({ historyId: historyId('77'), generation: 3, step: 'done' }));
    // One slice beside it tells when failed messages are due.
    expect(planNext(state, T0)).toMatchObject({ live: 'partialSync', backfill: { activity: 'fetchSlice' } });
    expect(planNext(transition(state, sliced({ generation: 3, fetched: 0 }), T0), T0)).toMatchObject({
      live: 'partialSync',
      backfill: null,
    });
    expect(state.historyId).toBe('77');
    expect(isInSync(state)).toBe(false);
  });

  test('goes on listing the generation that an earlier workflow began', () => {
    const state = after(opened({ generation: 4, step: 'listing' }));
    expect(state.generation).toBe(4);
    expect(planNext(state, T0).backfill).toEqual({ activity: 'fullSync', reason: 'initial' });
  });

  test('lists again when the settings differ from those of the last listing', () => {
    const state = after(opened({ historyId: historyId('77'), generation: 3, step: 'done', settingsChanged: true }));
    expect(state.generation).toBe(4);
    expect(planNext(state, T0).backfill).toEqual({ activity: 'fullSync', reason: 'settings' });
  });

  test('collects the settings that its start and signals name, until the store answers with all of them', () => {
    const started = initialState({
      mailbox: mailboxId('ada@example.com'),
      settings: { ...DEFAULT_SETTINGS, format: 'raw' },
      named: { format: 'raw', scope: { limit: 5 } },
      now: T0,
    });
    const change = { pollInterval: 7_000, scope: { includeSpamTrash: true } };
    const state = transition(started, configurationEvent(started, change), T0);
    expect(state.named).toEqual({ format: 'raw', pollInterval: 7_000, scope: { limit: 5, includeSpamTrash: true } });
    const settings = { ...DEFAULT_SETTINGS, format: 'raw', attachments: true } as const;
    expect(transition(state, opened({ settings }), T0)).toMatchObject({ settings, named: null });
    // A worker of an earlier version answers no settings.
    expect(transition(state, opened(), T0)).toMatchObject({
      settings: { format: 'raw', pollInterval: 7_000 },
      named: null,
    });
  });

  test('begins the resync that was requested before the store answered', () => {
    const state = after(
      { kind: 'resync-requested' },
      opened({ historyId: historyId('77'), generation: 3, step: 'done' }),
    );
    expect(planNext(state, T0).backfill).toEqual({ activity: 'fullSync', reason: 'forced' });
    expect(state.generation).toBe(4);
  });
});

describe('a full sync', () => {
  test('runs live syncs beside the slices from the moment the listing ends', () => {
    expect(planNext(after(opened(), listed(1)), T0)).toMatchObject({
      live: 'partialSync',
      backfill: { activity: 'fetchSlice' },
    });
  });

  test('is in sync only after one more partial sync', () => {
    const done = after(opened(), listed(1), sliced());
    expect(phaseOf(done)).toBe('live');
    expect(isInSync(done)).toBe(false);
    expect(isInSync(live())).toBe(true);
  });

  test('that only repeats a doubted listing leaves the mailbox live, since the stored messages stay usable', () => {
    const doubted = transition(live(), sliced({ fetched: 0, isDoubted: true }), T0);
    expect(doubted.fullSync).toEqual({ kind: 'listing', reason: 'doubted' });
    expect(phaseOf(doubted)).toBe('live');
    expect(planNext(doubted, T0).backfill).toEqual({ activity: 'fullSync', reason: 'doubted' });
  });

  test('waits for the next attempt of what could not be fetched, while live syncs go on', () => {
    const state = after(
      opened(),
      listed(1),
      sliced({ complete: false, fetched: 0, nextAttemptAt: T0 + 5_000, pending: 1 }),
    );
    expect(phaseOf(state)).toBe('full-sync');
    expect(planNext(state, T0)).toMatchObject({ live: 'partialSync', backfill: null });
    expect(planNext(state, T0 + 5_000).backfill).toEqual({ activity: 'fetchSlice' });
  });

  test('ignores the result of a listing that a resync has replaced', () => {
    const state = after(opened(), { kind: 'resync-requested' }, listed(1));
    expect(state.fullSync.kind).toBe('listing');
    expect(state.generation).toBe(2);
  });

  test('retries failed messages of the backfill when their time comes', () => {
    const state = after(
      opened(),
      listed(1),
      sliced({ nextAttemptAt: T0 + 60_000, failed: 1 }),
      { kind: 'partial-sync-started' },
      synced(),
    );
    expect(planNext(state, T0 + 1_000).backfill).toBeNull();
    expect(planNext(state, T0 + 60_000).backfill).toEqual({ activity: 'fetchSlice' });
  });
});

describe('expired history', () => {
  const expired = (): MailboxState => transition(live(), { kind: 'history-expired', message: 'gone' }, T0);

  test('stops live syncs until the recovery has a new mark', () => {
    expect(phaseOf(expired())).toBe('recovering');
    expect(planNext(expired(), T0 + 1e9)).toEqual({ live: null, backfill: { activity: 'recover' }, wakeAt: null });
    expect(planNext(transition(expired(), listed(2), T0), T0).live).toBe('partialSync');
  });

  test('stays a recovery when someone asks for a resync meanwhile', () => {
    const state = transition(expired(), { kind: 'resync-requested' }, T0);
    expect(planNext(state, T0)).toMatchObject({ live: null, backfill: { activity: 'recover' } });
  });
});

describe('a pause', () => {
  test('plans nothing until the mailbox is resumed, and the backfill then goes on', () => {
    const state = transition(after(opened(), listed(1)), { kind: 'paused' }, T0);
    expect(planNext(state, T0 + 1e9)).toEqual({ live: null, backfill: null, wakeAt: null });
    expect(planNext(transition(state, { kind: 'resumed' }, T0), T0)).toMatchObject({
      live: 'partialSync',
      backfill: { activity: 'fetchSlice' },
    });
  });
});

test('a lost store is asked again, and then filled again', () => {
  const lost = transition(live(), { kind: 'store-lost', message: 'gone' }, T0);
  expect(planNext(lost, T0).backfill).toEqual({ activity: 'openMailbox' });
  expect(planNext(transition(lost, opened(), T0), T0).backfill).toEqual({ activity: 'fullSync', reason: 'initial' });
});

test('changed settings go to the store first, and a requested resync stays requested', () => {
  const state = transition(
    transition(live(), { kind: 'resync-requested' }, T0),
    { kind: 'configured', settings: { ...DEFAULT_SETTINGS, pollInterval: 1 } },
    T0,
  );
  expect(planNext(state, T0).backfill).toEqual({ activity: 'openMailbox' });
  expect(
    planNext(transition(state, opened({ generation: 1, step: 'done', historyId: historyId('5') }), T0), T0).backfill,
  ).toEqual({ activity: 'fullSync', reason: 'forced' });
});

test('the state survives JSON, as continue-as-new carries it', () => {
  const state = transition(live(), { kind: 'rate-limited', until: T0 + 9, message: 'wait' }, T0);
  expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  expect(phaseOf(state)).toBe('rate-limited');
});

test('the clock skew of the last worker is kept, and its forecast is corrected to the server’s time', () => {
  const quota = {
    units: 5,
    rejected: 0,
    unitsLeft: 100,
    unitsPerMinute: 50,
    lastMinute: 50,
    finishAt: T0 + 600_000 + 120_000,
  };
  const ahead = after(opened(), listed(1), sliced({ clockSkew: 600_000, complete: false, pending: 10, quota }));
  expect(ahead).toMatchObject({ clockSkew: 600_000, quota: { finishAt: T0 + 120_000 } });
  expect(transition(ahead, { kind: 'poked' }, T0).clockSkew).toBe(600_000);
  expect(transition(ahead, synced(), T0).clockSkew).toBeNull();
  // The worker's clock is wrong, and Gmail's agrees with the server's: the forecast is right as it is.
  const wrongAlone = after(
    opened(),
    listed(1),
    sliced({ clockSkew: 600_000, gmailClockSkew: 600_000, complete: false, pending: 10, quota }),
  );
  expect(wrongAlone.quota?.finishAt).toBe(quota.finishAt);
});

test('the last worker’s skew against Gmail is kept, also where it is none against the server, and ends', () => {
  const off = after(opened(), listed(1), synced({ gmailClockSkew: -600_000 }));
  expect(off).toMatchObject({ clockSkew: null, gmailClockSkew: -600_000 });
  expect(transition(off, { kind: 'poked' }, T0).gmailClockSkew).toBe(-600_000);
  expect(transition(off, synced(), T0).gmailClockSkew).toBeNull();
  const { gmailClockSkew: _, ...earlier } = off;
  expect(carriedState(fresh(), JSON.parse(JSON.stringify(earlier)) as MailboxState).gmailClockSkew).toBeNull();
});
