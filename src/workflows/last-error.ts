import type { Remedy } from '../model/remedy.ts';
import type { DeliveryLane } from './delivery-lane.ts';
import type { MailboxEvent } from './mailbox-event.ts';

/** The kind of work that failed. Success of the same kind proves that the error is over. */
type ErrorOf = 'live' | 'backfill' | 'push' | 'store' | 'settings' | 'events' | DeliveryLane;

/** Plain JSON, part of the workflow's state; times are epoch ms. */
export interface LastError {
  readonly message: string;
  readonly at: number;
  /** Absent in a state from an earlier version: then the first success of any kind ends the error. */
  readonly of?: ErrorOf;
  /** When work of the same kind succeeded again; null, or absent, while it has not. */
  readonly mendedAt?: number | null;
  /** What can be done about it; absent when only its cause can be removed, and in earlier versions. */
  readonly remedy?: Remedy;
}

/**
 * The error after an event. It is over when work of the same kind has succeeded, or a person has dealt with it. Pure.
 */
export function afterEvent(error: LastError, event: MailboxEvent, now: number): LastError {
  if ((error.mendedAt ?? null) !== null) return error;
  const mended = mendedBy(event);
  const isOver = error.of === undefined ? mended.length > 0 : mended.includes(error.of);
  return isOver ? { ...error, mendedAt: now } : error;
}

function mendedBy(event: MailboxEvent): readonly ErrorOf[] {
  switch (event.kind) {
    case 'partial-synced':
      return event.watch?.isRenewed === true || event.watchSettled === true ? ['live', 'push'] : ['live'];
    case 'listed':
    case 'slice-fetched':
    case 'audited':
      return ['backfill'];
    case 'delivered':
      return [event.lane];
    case 'events-noted':
      return ['events'];
    case 'opened':
      return ['store'];
    case 'configured':
      return event.settings.push === null ? ['settings', 'push'] : ['settings'];
    case 'resumed':
      // Refused settings changed nothing, and a person who resumes has seen the error.
      return ['settings'];
    case 'poked':
    case 'notified':
    case 'sync-requested':
    case 'paused':
    case 'reconnected':
    case 'stop-requested':
    case 'resync-requested':
    case 'retry-requested':
    case 'audit-requested':
    case 'deliver-requested':
    case 'delivery-started':
    case 'delivery-failed':
    case 'events-failed':
    case 'delivery-not-taken':
    case 'rate-limited':
    case 'partial-sync-started':
    case 'refused':
    case 'history-expired':
    case 'store-lost':
    case 'blocked':
      return [];
  }
}
