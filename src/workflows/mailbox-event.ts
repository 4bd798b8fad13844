import type { HistoryId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';

/** How many messages the store holds, as the activities answer it. */
export interface Counts {
  readonly stored: number;
  readonly pending: number;
  readonly failed: number;
}

/** Everything that can happen to a mailbox's workflow. */
export type MailboxEvent =
  // signals and updates
  | { readonly kind: 'poked' | 'sync-requested' | 'paused' | 'resumed' | 'reconnected' | 'stop-requested' | 'resync-requested' | 'retry-requested' | 'audit-requested' }
  | { readonly kind: 'configured'; readonly settings: MailboxSettings }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'rate-limited'; readonly until: number; readonly message: string }
  // results of activities
  | ({
      readonly kind: 'opened';
      readonly historyId: HistoryId | null;
      readonly generation: number;
      readonly step: 'none' | 'listing' | 'fetching' | 'done';
      readonly settingsChanged: boolean;
    } & Counts)
  | ({ readonly kind: 'listed'; readonly generation: number; readonly historyId: HistoryId } & Counts)
  | ({
      readonly kind: 'slice-fetched';
      readonly generation: number;
      readonly fetched: number;
      /** The number of the request for a retry of failed messages that it served. */
      readonly retried?: number;
      /** True when no row of the backfill lane is pending any more. */
      readonly complete: boolean;
      /** Epoch ms when the next pending or failed row is due; null when there is none. */
      readonly nextAttemptAt: number | null;
    } & Counts)
  | { readonly kind: 'audited'; readonly drift: number; readonly audit?: number }
  | { readonly kind: 'partial-sync-started' }
  | ({
      readonly kind: 'partial-synced';
      readonly historyId: HistoryId;
      readonly changed: boolean;
      /** True when the activity's budget ended before its work did. */
      readonly more: boolean;
      /** When live rows that could not be fetched yet are due. */
      readonly nextAttemptAt: number | null;
      /** When a failed message of the backfill is due. */
      readonly failedAttemptAt: number | null;
      /** When history must be read once more, to settle what appeared late. */
      readonly settleAt: number | null;
    } & Counts)
  // failures of activities
  | { readonly kind: 'history-expired' | 'store-lost'; readonly message: string }
  | { readonly kind: 'blocked'; readonly block: 'needs-consent' | 'failed'; readonly message: string };
