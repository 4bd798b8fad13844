import type { Remedy } from '../model/remedy.ts';
import type { Refusal } from './blocked.ts';
import type { DeliveryLane } from './delivery-lane.ts';
import type { MailboxEvent } from './mailbox-event.ts';

/** The lane whose work failed, and whether that work was the question of a blocked mailbox. */
export type FailedWork =
  | Pick<Refusal, 'lane' | 'asked'>
  | { readonly lane: DeliveryLane; readonly asked: false; readonly awaits?: boolean }
  | { readonly lane: 'events'; readonly asked: false };

/**
 * Why an activity that delivers ended without an attempt. Any worker sends webhooks, but handlers need the program that
 * has them.
 */
export function notTakenText(lane: FailedWork['lane']): string {
  const missing = lane === 'webhook' ? 'no worker runs' : 'the program that has the handlers does not run';
  return (
    `No worker took the deliveries within an hour: ${missing}, ` +
    'or everything that it may do at a time waits for slow targets'
  );
}

/** The event of a failure that is not retried; docs/errors.md explains each. Pure. */
export function failureEvent(
  type: string,
  message: string,
  { lane, asked }: FailedWork,
  remedy?: Remedy,
): MailboxEvent {
  const described = { message, ...(remedy === undefined ? {} : { remedy }) };
  if (lane === 'delivery' || lane === 'webhook')
    return type === 'StoreLost' ? { kind: 'store-lost', message } : { kind: 'delivery-failed', lane, ...described };
  if (lane === 'events')
    return type === 'StoreLost' ? { kind: 'store-lost', message } : { kind: 'events-failed', ...described };
  switch (type) {
    case 'HistoryExpired':
      return { kind: 'history-expired', message, asked };
    case 'StoreLost':
      return { kind: 'store-lost', message };
    case 'ConsentRevoked': {
      const code = remedy?.kind === 'grant' ? 'scope-missing' : 'access-revoked';
      return { kind: 'blocked', block: 'needs-consent', cause: 'consent', code, ...described, lane, asked };
    }
    case 'OtherAccount':
      return {
        kind: 'blocked',
        block: 'needs-consent',
        cause: 'consent',
        code: 'other-account',
        ...described,
        lane,
        asked,
      };
    case 'MailboxNotConnected':
      return {
        kind: 'blocked',
        block: 'needs-consent',
        cause: 'credentials',
        code: 'not-connected',
        ...described,
        lane,
        asked,
      };
    default:
      // MailboxUnavailable, OtherDatabase, or an unforeseen defect: the mailbox asks again ever more rarely instead of
      // failing the workflow.
      return { kind: 'blocked', block: 'failed', cause: 'refusal', ...described, lane, asked };
  }
}
