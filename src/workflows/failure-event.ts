import type { Refusal } from './blocked.ts';
import type { MailboxEvent } from './mailbox-event.ts';

/** Whose work failed, and whether it was the question of a blocked mailbox. */
export type FailedWork = Pick<Refusal, 'lane' | 'asked'>;

/** What a failure that activities do not retry means to the workflow: docs/errors.md. Pure. */
export function failureEvent(type: string, message: string, { lane, asked }: FailedWork): MailboxEvent {
  switch (type) {
    case 'HistoryExpired':
      return { kind: 'history-expired', message, asked };
    case 'StoreLost':
      return { kind: 'store-lost', message };
    case 'ConsentRevoked':
    case 'OtherAccount':
      return { kind: 'blocked', block: 'needs-consent', cause: 'consent', message, lane, asked };
    case 'MailboxNotConnected':
      return { kind: 'blocked', block: 'needs-consent', cause: 'credentials', message, lane, asked };
    default:
      // MailboxUnavailable, or a defect that nobody foresaw: it is asked again ever more rarely instead of failing the workflow.
      return { kind: 'blocked', block: 'failed', cause: 'refusal', message, lane, asked };
  }
}
