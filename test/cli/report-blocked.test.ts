import { expect, test } from 'vitest';

import { reportJson, reportLines } from '../../src/cli/report.ts';
import { readStored, reportOf, type MailboxReport } from '../../src/client/mailbox-report.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { failureEvent } from '../../src/workflows/failure-event.ts';
import { transition } from '../../src/workflows/transition.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { statusOf } from '../../src/workflows/status.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const ADA = mailboxId('ada@example.com');
const fresh = initialState({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: NOW });
const off = transition(
  fresh,
  failureEvent(
    'MailboxUnavailable',
    'Gmail does not serve ada@example.com: the Gmail API is not enabled (SERVICE_DISABLED)',
    { lane: 'live', asked: false },
  ),
  NOW,
);

async function report(state: MailboxState): Promise<MailboxReport> {
  const { store, credentials } = await openMemoryStores();
  const stored = await readStored(store, ADA, NOW);
  await store.close();
  await credentials.close();
  return reportOf(ADA, stored, { phase: 'failed', status: statusOf(state) });
}

test('status says when a blocked mailbox tries again by itself, and how to make it try at once', async () => {
  const text = reportLines(await report(off), null, NOW + MINUTE / 2).join('\n');
  expect(text).toContain('next attempt  by itself 2026-01-01 00:01:00Z (in 30s)\n');
  expect(text).toContain('at once: tidemark resume ada@example.com');
  const asked = transition(
    off,
    failureEvent('MailboxUnavailable', 'still', { lane: 'live', asked: true }),
    NOW + MINUTE,
  );
  expect(reportLines(await report(asked), null, NOW + 2 * MINUTE).join('\n')).toContain(
    'by itself 2026-01-01 01:07:00Z (in 1h5m); 1 attempt failed so far\n',
  );
  expect(reportJson(await report(asked), null)).toMatchObject({
    blocked: { since: NOW, asks: 1, retryAt: NOW + 67 * MINUTE },
  });
});

test('status of a blocked mailbox that is also paused promises no attempt, and says how to end both', async () => {
  const text = reportLines(await report(transition(off, { kind: 'paused' }, NOW)), null, NOW).join('\n');
  expect(text).toContain('next attempt  none while it is paused\n');
  expect(text).not.toContain('by itself');
  const revoked = transition(fresh, failureEvent('ConsentRevoked', 'revoked', { lane: 'live', asked: false }), NOW);
  const both = { ...(await report(transition(revoked, { kind: 'paused' }, NOW))), phase: 'needs-consent' } as const;
  expect(reportLines(both, null, NOW).join('\n')).toContain(
    'Connect it: tidemark login ada@example.com --client FILE, ' +
      'or tidemark connect ada@example.com --credentials FILE\nIt is paused, too. Then: ' +
      'tidemark resume ada@example.com',
  );
});

test('status names a cause of both lanes only once, with the earlier time', async () => {
  const since = (at: number) => ({ kind: 'failing', message: 'no answer', since: at, until: null }) as const;
  const text = reportLines(
    { ...(await report(fresh)), conditions: { live: since(NOW + MINUTE), backfill: since(NOW) } },
    null,
    NOW + 2 * MINUTE,
  ).join('\n');
  expect(text).toContain('live syncs and backfill: no answer; since 2026-01-01 00:00:00Z (2m ago)');
  expect(text.match(/no answer/g)).toHaveLength(1);
});

test('status turns the remedy of a failure or of a block into commands', async () => {
  const message = 'The database lacks a table';
  const failing = { kind: 'failing', message, since: NOW, until: null, remedy: { kind: 'migrate' } } as const;
  expect(
    reportLines({ ...(await report(fresh)), conditions: { live: failing, backfill: null } }, null, NOW).join('\n'),
  ).toContain(`live syncs: ${message}. Run: tidemark migrate; since`);
  const labelled = transition(
    fresh,
    failureEvent(
      'MailboxUnavailable',
      'no such label',
      { lane: 'live', asked: false },
      {
        kind: 'correct-labels',
        mailbox: ADA,
      },
    ),
    NOW,
  );
  expect(reportLines(await report(labelled), null, NOW).join('\n')).toContain(
    'Correct it: tidemark configure ada@example.com --label NAME, then tidemark resume ada@example.com',
  );
});

test('status of a mailbox that is not blocked names no next attempt', async () => {
  expect(reportLines(await report(fresh), null, NOW).join('\n')).not.toContain('next attempt');
  expect(reportJson(await report(fresh), null)).toMatchObject({ blocked: null });
});

test('status advises on a failed delivery of a mailbox that is not blocked', async () => {
  const remedy = { kind: 'take-place', mailbox: ADA, resumes: true } as const;
  const failed = transition(
    fresh,
    failureEvent(
      'OtherDatabase',
      'It is in another database',
      { lane: 'webhook', asked: false, awaits: false },
      remedy,
    ),
    NOW,
  );
  const shown = await report(failed);
  expect(shown.lastError).toEqual({ message: 'It is in another database', at: NOW, mendedAt: null, remedy });
  expect(reportLines(shown, null, NOW).join('\n')).toContain(
    'It is in another database. Give every worker the right DATABASE_URL, then: tidemark resume ada@example.com.',
  );
});
