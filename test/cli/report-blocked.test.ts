import { expect, test } from 'vitest';

import { reportJson, reportText } from '../../src/cli/report.ts';
import { readStored, reportOf, type MailboxReport } from '../../src/client/mailbox-report.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { openStores } from '../../src/store/open-store.ts';
import { failureEvent } from '../../src/workflows/failure-event.ts';
import { initialState, transition, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { statusOf } from '../../src/workflows/status.ts';

const NOW = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const ADA = mailboxId('ada@example.com');
const fresh = initialState({ mailbox: ADA, settings: DEFAULT_SETTINGS, now: NOW });
const off = transition(fresh, failureEvent('MailboxUnavailable', 'Gmail refuses ada@example.com (SERVICE_DISABLED): mend that', { lane: 'live', asked: false }), NOW);

async function report(state: MailboxState): Promise<MailboxReport> {
  const { store, credentials } = await openStores('sqlite::memory:');
  const stored = await readStored(store, ADA, NOW);
  await store.close();
  await credentials.close();
  return reportOf(ADA, stored, { phase: 'failed', status: statusOf(state) });
}

test('status says when a blocked mailbox is asked again by itself, and what makes it sooner', async () => {
  const text = reportText(await report(off), null, NOW + MINUTE / 2);
  expect(text).toContain('asked again  by itself 2026-01-01 00:01:00Z (in 30s)\n');
  expect(text).toContain('at once: tidemark resume ada@example.com');
  const asked = transition(off, failureEvent('MailboxUnavailable', 'still', { lane: 'live', asked: true }), NOW + MINUTE);
  expect(reportText(await report(asked), null, NOW + 2 * MINUTE)).toContain('by itself 2026-01-01 00:10:00Z (in 8m); asked 1 time in vain so far\n');
  expect(reportJson(await report(asked), null)).toMatchObject({ blocked: { since: NOW, asks: 1, retryAt: NOW + 10 * MINUTE } });
});

test('status of a mailbox that is paused as well promises no question', async () => {
  expect(reportText(await report(transition(off, { kind: 'paused' }, NOW)), null, NOW)).toContain('asked again  after the pause\n');
});

test('status of a mailbox that nothing blocks says nothing of it', async () => {
  expect(reportText(await report(fresh), null, NOW)).not.toContain('asked again');
  expect(reportJson(await report(fresh), null)).toMatchObject({ blocked: null });
});
