import type { MailboxEvent } from './mailbox-event.ts';

/** What a failure that activities do not retry means to the workflow: docs/errors.md. Pure. */
export function failureEvent(type: string, message: string): MailboxEvent {
  switch (type) {
    case 'HistoryExpired':
      return { kind: 'history-expired', message };
    case 'StoreLost':
      return { kind: 'store-lost', message };
    case 'ConsentRevoked':
    case 'MailboxNotConnected':
      return { kind: 'blocked', block: 'needs-consent', message };
    default:
      // MailboxUnavailable, or a defect that nobody foresaw: it waits for a person instead of failing the workflow.
      return { kind: 'blocked', block: 'failed', message };
  }
}
