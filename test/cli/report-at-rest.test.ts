import { expect, test } from 'vitest';

import { obstacleWords } from '../../src/cli/obstacle.ts';
import { Pacemeter } from '../../src/cli/pace.ts';
import { progressLine } from '../../src/cli/progress.ts';
import { reportJson, reportLines } from '../../src/cli/report.ts';
import { reportOf, type MailboxReport, type RunningView } from '../../src/client/mailbox-report.ts';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { Conditions } from '../../src/store/rows/mailbox-row.ts';
import { detailsOf } from '../../src/workflows/details.ts';
import { failureEvent } from '../../src/workflows/failure-event.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { initialState, phaseOf, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { statusOf } from '../../src/workflows/status.ts';
import { transition } from '../../src/workflows/transition.ts';
import { NOTHING_SYNCED } from '../fixtures/temporal/quiet-results.ts';
import { NO_COUNTS, NO_USAGE } from '../fixtures/product/empty-report.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ADA = mailboxId('ada@example.com');

const fresh = initialState({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: NOW });
const live: MailboxState = { ...fresh, fullSync: { kind: 'done' } };
const after = (state: MailboxState, ...events: readonly MailboxEvent[]): MailboxState =>
  events.reduce((before, event, index) => transition(before, event, NOW + index * 1_000), state);

/** What `status` knows of a mailbox in this state. A `state` of null means that no workflow runs. */
function reported(state: MailboxState | null, { answers = true }: { answers?: boolean } = {}): MailboxReport {
  const running: RunningView =
    state === null
      ? { phase: null, status: null }
      : { phase: phaseOf(state), status: answers ? statusOf(state) : null };
  return reportOf(ADA, { row: null, counts: NO_COUNTS, usage: NO_USAGE }, running);
}

const said = (report: MailboxReport, now = NOW + MINUTE): string => reportLines(report, null, now).join('\n');
const failing = (message: string): Conditions => ({
  live: { kind: 'failing', message, since: NOW, until: null },
  backfill: null,
});

test('status says "in sync" only of a mailbox that asks Gmail and is answered', () => {
  expect(said(reported(live))).toMatch(/phase +live, in sync, since /);
  expect(said(reported(after(live, { kind: 'paused' })))).toMatch(/phase +paused, since /);
  expect(said({ ...reported(live), conditions: failing('no answer') })).toMatch(/phase +live, since /);
});

test('status says that failed messages are tried again by themselves, or once the mailbox runs', () => {
  const withFailed = (report: MailboxReport): string => said({ ...report, counts: { ...NO_COUNTS, failed: 2 } });
  expect(withFailed(reported(live))).toContain('2 (tried again by themselves: tidemark failures');
  for (const resting of [after(live, { kind: 'paused' }), null])
    expect(withFailed(reported(resting))).toContain('2 (tried again once it runs: tidemark failures');
});

test('status reports what failed before a mailbox was stopped or paused as past', () => {
  const conditions = failing('no answer; trying again');
  expect(said({ ...reported(null), conditions })).toContain('until it was stopped, live syncs: no answer');
  expect(said({ ...reported(after(live, { kind: 'paused' })), conditions })).toContain(
    'until it was paused, live syncs: no answer',
  );
  expect(said({ ...reported(live), conditions })).toMatch(/last error +live syncs: no answer/);
});

test("status and Temporal's page give no time for the next attempt of a paused mailbox's deliveries", () => {
  const waiting = [{ subscription: 'crm', why: 'failing', since: NOW, until: NOW + 5 * MINUTE }] as const;
  const delivering = { ...live, webhooks: { ...live.webhooks, waiting, waits: 1 } };
  expect(said(reported(delivering))).toContain('next attempt 2026-01-01 00:05:00Z (in 4m)');
  expect(said(reported(delivering), NOW + 5 * MINUTE)).toContain('next attempt now: tidemark deliveries crm');
  expect(detailsOf(delivering)).toContain('next attempt 2026-01-01T00:05:00Z');
  const paused = after(delivering, { kind: 'paused' });
  expect(said(reported(paused))).toContain('next attempt once it is resumed: tidemark deliveries crm');
  expect(detailsOf(paused)).toContain('next attempt after the signal `resume`');
});

test('status says that a watch has expired, and that polling replaces it unless the mailbox is paused', () => {
  const watch = { renewedAt: NOW - 7 * DAY, renewAt: NOW - 6 * DAY, expiration: NOW, isRenewed: false };
  const expired = { ...live, push: { ...live.push, watch } };
  expect(said(reported(expired))).toContain(
    'its watch has expired, no notification yet; not relied on now, so polled as without push',
  );
  expect(said(reported(after(expired, { kind: 'paused' })))).toMatch(/its watch has expired, no notification yet\n/);
});

test('a spent daily budget lets new mail go on, except while the mailbox is paused or blocked', () => {
  const held: MailboxState = { ...fresh, fullSync: { kind: 'fetching' }, heldUntil: NOW + DAY };
  expect(said(reported(held))).toContain('units of the day are spent; new mail goes on');
  expect(detailsOf(held)).toContain('units of the day are spent; live syncs go on');
  const refused = failureEvent('MailboxUnavailable', 'switched off', { lane: 'live', asked: false });
  for (const event of [{ kind: 'paused' }, refused] satisfies MailboxEvent[]) {
    const resting = after(held, event);
    expect(said(reported(resting))).toMatch(/units of the day are spent\n/);
    expect(detailsOf(resting)).toMatch(/units of the day are spent \|/);
  }
});

test('progress says until when a spent daily budget holds a backfill back', () => {
  const held: MailboxState = { ...fresh, fullSync: { kind: 'fetching' }, heldUntil: NOW + DAY };
  const fetching = { step: 'fetching', startedAt: NOW, finishedAt: null };
  expect(progressLine({ ...reported(held), fullSync: fetching }, new Pacemeter().read(5))).toContain(
    "held back until 2026-01-02 00:00:00Z: the project's units of the day are spent",
  );
});

test('a wait for quota delays a requested sync, and a spent daily budget does not', () => {
  const held: MailboxState = { ...fresh, fullSync: { kind: 'fetching' }, heldUntil: NOW + DAY };
  expect(reported(held).phase).toBe('rate-limited');
  expect(obstacleWords(reported(held), NOW)).toBeNull();
  const limited = after(live, { kind: 'rate-limited', until: NOW + MINUTE, message: 'wait' });
  expect(obstacleWords(reported(limited), NOW)).toBe("it waits for Gmail's quota until 2026-01-01 00:01:00Z (in 1m).");
  expect(obstacleWords(reported(limited), NOW + 2 * MINUTE)).toBe("it waits for Gmail's quota.");
});

test('a failing workflow task is reported as such, not as a missing worker', () => {
  const words = obstacleWords({ ...reported(live, { answers: false }), failingTask: { attempt: 7 } }, NOW);
  expect(words).toMatch(/^its workflow task keeps failing \(attempt 7\): .* nothing is lost\.$/);
});

test('status of a blocked or paused mailbox also says when no worker answered', () => {
  const refused = after(live, failureEvent('MailboxUnavailable', 'switched off', { lane: 'live', asked: false }));
  const revoked = after(live, failureEvent('ConsentRevoked', 'revoked', { lane: 'live', asked: false }));
  for (const state of [refused, revoked, after(live, { kind: 'paused' })]) {
    expect(said(reported(state, { answers: false }))).toContain('\nNo worker answered. If none runs, start one');
    expect(said(reported(state))).not.toContain('No worker');
  }
});

test('status of a blocked mailbox takes the remedy from the store when no worker answers', () => {
  const state = after(live, failureEvent('MailboxUnavailable', 'no label', { lane: 'live', asked: false }));
  const remedy = { kind: 'correct-labels', mailbox: ADA } as const;
  const conditions: Conditions = {
    live: { kind: 'failed', message: 'no label', since: NOW, until: null, remedy },
    backfill: null,
  };
  expect(said({ ...reported(state, { answers: false }), conditions })).toContain(
    `Correct it: tidemark configure ${ADA} --label NAME`,
  );
});

test('a past error does not make status say "none now" while another error blocks the mailbox', () => {
  const state = after(
    live,
    failureEvent('OtherDatabase', 'another database', { lane: 'live', asked: false }),
    { kind: 'refused', message: 'the settings were not changed' },
    { kind: 'configured', settings: DEFAULT_SETTINGS },
  );
  expect(state.lastError?.mendedAt).not.toBeNull();
  expect(said(reported(state))).toMatch(/last error +another database; since 2026-01-01 00:00:00Z/);
  expect(detailsOf(state)).toContain('**What stopped it:** another database');
  expect(detailsOf(state)).toMatch(/Another error, from .* is over: the settings were not changed/);
  expect(detailsOf(state)).not.toContain('No error now');
});

const SYNCED: MailboxEvent = {
  kind: 'partial-synced',
  stored: 0,
  pending: 0,
  failed: 0,
  historyId: historyId('5'),
  ...NOTHING_SYNCED,
};

test('status says by how much the worker’s clock differs from the server’s and from Gmail’s, and what to set', () => {
  const synced = (skew: object): MailboxEvent => ({ ...SYNCED, ...skew });
  const toServer = "the worker's clock is 10 minutes ahead of the Temporal server's: set both by NTP";
  const toGmail = "the worker's clock is 10 minutes behind Gmail's: set it and the Temporal server's by NTP";
  const clocks = (skew: object): readonly string[] =>
    [...said(reported(after(live, synced(skew)))).matchAll(/ clock +(.*)/g)].map(([, words = '']) => words);
  expect(clocks({ clockSkew: 10 * MINUTE })).toEqual([toServer]);
  expect(clocks({ gmailClockSkew: -10 * MINUTE })).toEqual([toGmail]);
  expect(clocks({ clockSkew: 10 * MINUTE, gmailClockSkew: -10 * MINUTE })).toEqual([toServer, toGmail]);
  expect(clocks({ clockSkew: MINUTE, gmailClockSkew: -MINUTE })).toEqual([]);
  const off = after(live, synced({ clockSkew: 10 * MINUTE, gmailClockSkew: -10 * MINUTE }));
  expect(reportJson(reported(off), null)).toMatchObject({ clockSkew: 600_000, gmailClockSkew: -600_000 });
  expect(detailsOf(off)).toContain(
    "| clock | the worker's is 10 minutes ahead of this server's: set both by NTP |\n" +
      "| clock | the worker's is 10 minutes behind Gmail's: set it and this server's by NTP |\n",
  );
  expect(detailsOf(after(live, synced({})))).not.toContain('| clock |');
});

test('status says that a past error is over, and since when', () => {
  const expired = after(live, { kind: 'history-expired', message: 'history expired' });
  expect(said(reported(expired))).toMatch(/last error +history expired; since 2026-01-01 00:00:00Z/);
  const over = after(live, { kind: 'history-expired', message: 'history expired' }, SYNCED);
  expect(said(reported(over))).toMatch(
    /last error +none now\. The last one, over since 2026-01-01 00:00:01Z \(59s ago\), was: history expired$/m,
  );
});
