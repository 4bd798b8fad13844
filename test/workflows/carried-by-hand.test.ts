import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { historyId, mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { carriedState } from '../../src/workflows/carried-state.ts';
import { isWholeState } from '../../src/workflows/carried-by-hand.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import { planOf } from '../../src/workflows/lane-plan.ts';
import { idleLanes } from '../../src/workflows/lane-scheduler.ts';
import { waitTime } from '../../src/workflows/lane-wait.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { InvalidInputError, mailboxInput } from '../../src/workflows/mailbox-input.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { statusOf } from '../../src/workflows/status.ts';
import { transition } from '../../src/workflows/transition.ts';
import { TODAY } from '../fixtures/temporal/todays-ways.ts';
import { listed, opened, sliced, synced } from './mailbox-events.ts';

const ADA = mailboxId('ada@example.com');
const NOW = 1_800_000_000_000;
const RUN = { workflowId: 'mailbox/ada@example.com', now: NOW };
const YEAR = 366 * 24 * 60 * 60_000;

const fresh = initialState({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: NOW });
const change = (state: MailboxState, ...events: readonly MailboxEvent[]): MailboxState =>
  events.reduce((before, event) => transition(before, event, NOW), state);
const live = change(fresh, opened(), listed(1), sliced(), { kind: 'partial-sync-started' }, synced());
const waiting = { requested: 3, started: 2, nextAt: NOW + 9_000, waits: 1 };
/** A state that uses every field. */
const rich: MailboxState = {
  ...live,
  named: { format: 'raw', scope: { limit: 5 } },
  store: { id: 'a', place: 'b' },
  paused: true,
  blocked: {
    kind: 'failed',
    message: 'Gmail refuses',
    remedy: { kind: 'ask-again', mailbox: ADA, orConnect: true },
    cause: 'refusal',
    lane: 'live',
    since: NOW,
    asks: 2,
    retryAt: NOW + 60_000,
  },
  rateLimited: { until: NOW + 5_000, message: 'wait' },
  pokedAt: { waiting: NOW, serving: NOW },
  nextAuditAt: NOW + 1_000,
  deliveries: {
    ...waiting,
    waiting: [{ subscription: 'crm', why: 'failing', since: NOW, until: NOW + 9_000 }],
    listening: true,
    fruitless: 1,
    wantedUpTo: 7,
    seen: 6,
  },
  events: {
    pending: [{ id: 'a-1', at: NOW, details: { kind: 'in-sync' } }],
    noticed: 1,
    asksConsent: true,
    awaited: { recovered: true, inSync: true },
    retryAt: NOW + 60_000,
  },
  drift: 0,
  push: {
    watch: { renewedAt: NOW, renewAt: NOW + 80_000, expiration: NOW + 90_000, isRenewed: true },
    notifiedAt: NOW,
    isMissing: false,
    quietSince: NOW - 5_000,
    told: { sync: 2, historyId: historyId('9'), rereadAt: NOW },
    echo: historyId('9'),
    announces: true,
    address: mailboxId('bob@example.com'),
  },
  rereadAt: NOW + 30_000,
  nextSliceAt: NOW + 30_000,
  heldUntil: NOW + 30_000,
  quota: { units: 5, rejected: 0, unitsLeft: 20, unitsPerMinute: 6_000, lastMinute: 5, finishAt: NOW },
  clockSkew: -600_000,
  gmailClockSkew: 600_000,
  syncedAt: NOW,
  lastError: { message: 'Gmail refuses', at: NOW, of: 'live', mendedAt: NOW, remedy: { kind: 'run-worker' } },
};

const json = (state: object): Record<string, unknown> => JSON.parse(JSON.stringify(state)) as Record<string, unknown>;

/** The state with which a client has started the mailbox; null when the workflow fails with a sentence. */
function startedWith(carried: unknown): MailboxState | null {
  try {
    const input = mailboxInput({ mailbox: ADA, carried }, RUN);
    return carriedState(initialState({ ...input, now: NOW }), input.carried);
  } catch (error) {
    if (error instanceof InvalidInputError && error.message.includes('leave it out')) return null;
    throw error;
  }
}

describe('a state that a client hands over', () => {
  test.each([
    ['of a new mailbox', fresh],
    ['of a mailbox that is live', live],
    ['with every field', rich],
  ])('is taken as it is: %s', (_name, state) => {
    expect(startedWith(json(state))).toEqual(json(state));
  });

  test.each<[what: string, carried: object]>([
    ['no field of its own', { mailbox: ADA, fullSync: {}, syncs: {}, counters: {}, settings: {} }],
    ['counters without numbers', { ...live, counters: {} }],
    ['a full sync of no kind', { ...live, fullSync: {} }],
    ['a listing without a reason', { ...live, fullSync: { kind: 'listing' } }],
    ['settings that no mailbox can have', { ...live, settings: { ...DEFAULT_SETTINGS, pollInterval: 1 } }],
    ['only some settings', { ...live, settings: { format: 'raw' } }],
    ['only a part of its scope', { ...live, settings: { ...DEFAULT_SETTINGS, scope: { limit: 5 } } }],
    ['a time that no calendar has', { ...live, phaseSince: 1e300 }],
    ['a poll in a hundred years', { ...live, nextPartialSyncAt: NOW + 100 * YEAR }],
    ['a quiet time of a hundred years', { ...live, push: { ...live.push, quietSince: -100 * YEAR } }],
    ['a history id that is a number', { ...live, historyId: 7 }],
    ['more than continue-as-new can carry', { ...live, surplus: 'x'.repeat(1_000_000) }],
    ['the state of another mailbox', { ...live, mailbox: 'bob@example.com' }],
  ])('fails the workflow with a sentence when it has %s', (_what, carried) => {
    expect(startedWith(json(carried))).toBeNull();
  });

  it('never makes a workflow task fail, whatever is changed in it', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(-1, 0.5, 1e15, 1e300, NOW + 2 * YEAR, '', null, {}, []));
    let taken = 0;
    fc.assert(
      fc.property(fc.constantFrom(live, rich), fc.array(fc.nat(), { maxLength: 4 }), value, (base, path, put) => {
        const carried = json(base);
        changeAt(carried, path, put);
        const state = startedWith(carried);
        if (state === null) return;
        taken += 1;
        for (const kind of [null, 'resumed', 'poked', 'resync-requested'] as const) {
          const next = kind === null ? state : transition(state, { kind }, NOW);
          expect(detailsOf(next)).not.toMatch(/NaN|undefined/);
          expect(JSON.stringify(statusOf(next)).length).toBeLessThan(1_000_000);
          const wait = waitTime(planOf(idleLanes(next), NOW, TODAY), NOW);
          expect(wait === null || (wait >= 1 && wait <= 2 * YEAR), `waits ${wait}`).toBe(true);
        }
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});

/** Puts a value at a random place of a state. */
function changeAt(target: Record<string, unknown>, [first = 0, ...rest]: readonly number[], value: unknown): void {
  const names = Object.keys(target);
  const name = names[first % names.length] ?? 'surplus';
  const inner = target[name];
  if (rest.length > 0 && typeof inner === 'object' && inner !== null)
    return changeAt(inner as typeof target, rest, value);
  target[name] = value;
}

const HISTORIES = fileURLToPath(new URL('../histories', import.meta.url));

interface Started {
  readonly workflowExecutionStartedEventAttributes?: {
    readonly input: { readonly payloads: readonly { readonly data: string }[] };
    readonly continuedExecutionRunId?: string;
  };
}

const carriedOnes = readdirSync(HISTORIES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .flatMap((file) => {
    const { events } = JSON.parse(readFileSync(join(HISTORIES, file), 'utf8')) as {
      readonly events: readonly Started[];
    };
    const started = events[0]?.workflowExecutionStartedEventAttributes;
    const text = Buffer.from(started?.input.payloads[0]?.data ?? '', 'base64').toString();
    const input = JSON.parse(text) as { readonly mailbox: MailboxId; readonly carried?: unknown };
    return input.carried == null ? [] : [{ file, input, continuedFrom: started?.continuedExecutionRunId }];
  });

describe('what earlier builds carried on', () => {
  test.each(carriedOnes)('is accepted: $file', ({ input, continuedFrom }) => {
    const run = { workflowId: `mailbox/${input.mailbox}`, continuedFrom, now: NOW };
    expect(mailboxInput(input, run).carried).toEqual(input.carried);
    expect(isWholeState(input.carried, input.mailbox, NOW)).toBe(true);
  });

  it('was recorded by continue-as-new and by a client that renamed a mailbox', () => {
    const byClients = carriedOnes.filter(({ continuedFrom }) => continuedFrom === undefined || continuedFrom === '');
    expect(byClients.map(({ file }) => file)).toEqual(['v0.1.0-renamed/run-2.json']);
    expect(carriedOnes.length).toBeGreaterThan(5);
  });

  it('is not looked at when continue-as-new has carried it, since only a build of Tidemark can do that', () => {
    const carried = { ...json(live), counters: { ofAnEarlierBuild: 1 } };
    expect(mailboxInput({ mailbox: ADA, carried }, { ...RUN, continuedFrom: 'a run' }).carried).toEqual(carried);
  });
});
