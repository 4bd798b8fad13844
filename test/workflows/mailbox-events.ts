import { historyId, mailboxId } from '../../src/model/ids.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { initialState, type MailboxState } from '../../src/workflows/mailbox-state.ts';
import { transition } from '../../src/workflows/transition.ts';
import { NOTHING_SYNCED, OPENED_NEW } from '../fixtures/temporal/quiet-results.ts';

export const T0 = 1_000_000;
export const COUNTS = { stored: 0, pending: 0, failed: 0 };
export const fresh = (): MailboxState =>
  initialState({ mailbox: mailboxId('ada@example.com'), settings: DEFAULT_SETTINGS, now: T0 });

export const opened = (over: Partial<Extract<MailboxEvent, { kind: 'opened' }>> = {}): MailboxEvent => ({
  kind: 'opened',
  ...OPENED_NEW,
  ...COUNTS,
  ...over,
});
export const listed = (generation: number, mark = '100'): MailboxEvent => ({
  kind: 'listed',
  generation,
  historyId: historyId(mark),
  ...COUNTS,
  pending: 10,
});
export const sliced = (over: Partial<Extract<MailboxEvent, { kind: 'slice-fetched' }>> = {}): MailboxEvent => ({
  kind: 'slice-fetched',
  generation: 1,
  fetched: 10,
  complete: true,
  nextAttemptAt: null,
  ...COUNTS,
  ...over,
});
export const synced = (over: Partial<Extract<MailboxEvent, { kind: 'partial-synced' }>> = {}): MailboxEvent => ({
  kind: 'partial-synced',
  historyId: historyId('200'),
  ...NOTHING_SYNCED,
  ...COUNTS,
  ...over,
});

export const after = (...events: MailboxEvent[]): MailboxState =>
  events.reduce((state, event) => transition(state, event, T0), fresh());
export const live = (): MailboxState =>
  after(opened(), listed(1), sliced(), { kind: 'partial-sync-started' }, synced());
