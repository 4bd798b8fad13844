import { describe, expect, it } from 'vitest';

import { MailboxBlockedError, ServerUnreachableError, TemporalFailureError } from '../../src/client/errors.ts';
import { toTidemarkError } from '../../src/client/temporal-errors.ts';
import { reportOf } from '../../src/client/mailbox-report.ts';
import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { Condition, MailboxRow } from '../../src/store/rows/mailbox-row.ts';
import type { MailboxStatus } from '../../src/workflows/definitions.ts';

const mailbox = mailboxId('ada@example.com');
const counts = { stored: 3, pending: 2, failed: 1, gone: 4, excluded: 0, lacking: 0, backfill: 2, due: 0 };
const usage = { calls: 5, units: 100, rejected: 0, failed: 0, successful: 5, methods: {} };

const row = (condition: Condition | null): MailboxRow => ({
  id: mailbox,
  settings: DEFAULT_SETTINGS,
  historyId: historyId('9007199254740993'),
  generation: 2,
  fullSync: null,
  marks: [],
  relistAt: null,
  audit: null,
  watch: null,
  account: null,
  renamedFrom: null,
  doubt: null,
  condition,
  conditions: { live: condition, backfill: null },
  changeSequence: 7,
  createdAt: 1_000,
  syncedAt: 5_000,
});

const status = (changes: Partial<MailboxStatus>): MailboxStatus => ({
  mailbox,
  phase: 'live',
  phaseSince: 2_000,
  historyId: historyId('9007199254740992'),
  generation: 2,
  inSync: true,
  settings: DEFAULT_SETTINGS,
  partialSyncs: 1,
  fullSyncs: 1,
  recoveries: 0,
  pokes: 0,
  syncedAt: 4_000,
  nextSyncAt: 9_000,
  rateLimitedUntil: null,
  push: null,
  heldUntil: null,
  lastError: null,
  ...changes,
});

describe("a mailbox's report", () => {
  it('takes the mark from the store and the phase from the workflow', () => {
    const report = reportOf(mailbox, { row: row(null), counts, usage }, { phase: 'full-sync', status: status({}) });
    expect(report).toMatchObject({
      phase: 'live',
      historyId: '9007199254740993',
      inSync: true,
      syncedAt: 5_000,
      workerAnswered: true,
      counts,
    });
  });

  it('shows the phase of the search attribute when no worker answers, and does not claim to be in sync', () => {
    expect(reportOf(mailbox, { row: row(null), counts, usage }, { phase: 'paused', status: null })).toMatchObject({
      phase: 'paused',
      inSync: null,
      workerAnswered: false,
    });
  });

  it('is stopped when no workflow runs', () => {
    expect(reportOf(mailbox, { row: row(null), counts, usage }, { phase: null, status: null }).phase).toBe('stopped');
  });

  it('shows a lasting failure that the workflow does not know of yet', () => {
    const failing: Condition = { kind: 'failing', message: 'Gmail answers 503', since: 6_000, until: null };
    const old = status({ lastError: { message: 'history expired', at: 3_000 } });
    expect(reportOf(mailbox, { row: row(failing), counts, usage }, { phase: 'live', status: old }).lastError).toEqual({
      message: 'Gmail answers 503',
      at: 6_000,
      mendedAt: null,
    });
    expect(reportOf(mailbox, { row: row(null), counts, usage }, { phase: 'live', status: old }).lastError).toEqual({
      message: 'history expired',
      at: 3_000,
      mendedAt: null,
    });
  });

  it("names the account's address at Google only where notifications for it do not reach the mailbox", () => {
    const called = (id: string, address: string) => {
      const renamed = {
        ...row(null),
        id: mailboxId(id),
        account: { address: mailboxId(address), since: 6_000, version: 1, checkedAt: 7_000, units: 100 },
      };
      return reportOf(renamed.id, { row: renamed, counts, usage }, { phase: 'live', status: status({}) }).renamedTo;
    };
    expect(called(mailbox, 'countess@example.com')).toEqual({ address: 'countess@example.com', since: 6_000 });
    expect(called(mailbox, mailbox)).toBeNull();
    expect(called('ada@gmail.com', 'ada@googlemail.com')).toBeNull();
  });

  it('shows a rate limit as a wait, not as an error', () => {
    const waiting: Condition = { kind: 'rate-limited', message: 'Gmail told us to wait', since: 6_000, until: 60_000 };
    const report = reportOf(mailbox, { row: row(waiting), counts, usage }, { phase: 'rate-limited', status: null });
    expect(report).toMatchObject({ lastError: null, rateLimitedUntil: 60_000 });
  });
});

describe('an error of the client', () => {
  const grpc = (code: number): Error =>
    Object.assign(new Error('14 UNAVAILABLE: nothing there'), { code, details: 'nothing there', metadata: {} });
  const subject = { address: 'temporal:7233', namespace: 'default', mailbox };

  it('is an unreachable server when nothing answers, however deep in the causes that is', () => {
    expect(
      toTidemarkError(new Error('failed', { cause: new Error('deeper', { cause: grpc(14) }) }), subject),
    ).toBeInstanceOf(ServerUnreachableError);
  });

  it("repeats the words of an unforeseen error of Temporal's", () => {
    const failure = toTidemarkError(grpc(13), subject);
    expect(failure).toBeInstanceOf(TemporalFailureError);
    expect(failure).toMatchObject({ code: 'temporal-failure', message: expect.stringContaining('nothing there') });
  });

  it("is passed through as it is when it is not Temporal's", () => {
    const other = new RangeError('mine');
    expect(toTidemarkError(other, subject)).toBe(other);
  });

  it('about a blocked mailbox says why in a sentence, and what to do as data', () => {
    const failed = new MailboxBlockedError(mailbox, 'failed', { message: 'Mail service not enabled.' });
    expect(failed.message).toBe('ada@example.com is in phase failed: Mail service not enabled.');
    expect(failed.remedy).toEqual({ kind: 'ask-again', mailbox, orConnect: false });
    const paused = new MailboxBlockedError(mailbox, 'paused', { message: 'an old error' });
    expect(paused.message).toBe('ada@example.com is paused.');
    expect(paused.remedy).toEqual({ kind: 'end-pause', mailbox });
  });

  it('that repeats the words of an earlier version, which name commands, has no remedy beside them', () => {
    const message = 'ada@example.com has revoked its grant: run "tidemark connect ada@example.com --credentials FILE"';
    expect(new MailboxBlockedError(mailbox, 'needs-consent', { message })).toMatchObject({
      message: `${message}.`,
      remedy: null,
    });
  });
});
