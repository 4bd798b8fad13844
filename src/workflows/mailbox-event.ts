import type {
  AuditActivityResult,
  DeliverResult,
  FetchSliceResult,
  ListingResult,
  OfWorker,
  OpenMailboxResult,
  PartialSyncResult,
} from '../activities/requests.ts';
import type { HistoryId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { Refusal } from './blocked.ts';
import type { DeliveryLane } from './delivery-lane.ts';

/** Everything that can happen to a mailbox's workflow. */
export type MailboxEvent =
  // signals and updates
  | {
      readonly kind:
        | 'poked'
        | 'sync-requested'
        | 'paused'
        | 'resumed'
        | 'reconnected'
        | 'stop-requested'
        | 'resync-requested'
        | 'retry-requested'
        | 'audit-requested';
    }
  | { readonly kind: 'deliver-requested'; readonly lane: DeliveryLane }
  | { readonly kind: 'notified'; readonly historyId: HistoryId | null }
  /** `change`: the settings that were named; absent when all were. */
  | { readonly kind: 'configured'; readonly settings: MailboxSettings; readonly change?: SettingsChange }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'rate-limited'; readonly until: number; readonly waitFor?: number; readonly message: string }
  // results of activities
  | ({ readonly kind: 'opened' } & OpenMailboxResult)
  | ({ readonly kind: 'listed' } & ListingResult & Answer)
  | ({ readonly kind: 'slice-fetched' } & FetchSliceResult & Answer)
  | ({ readonly kind: 'audited' } & AuditActivityResult & Answer)
  | { readonly kind: 'partial-sync-started' }
  | ({ readonly kind: 'partial-synced' } & PartialSyncResult & Answer)
  | { readonly kind: 'delivery-started'; readonly lane: DeliveryLane }
  /** `awaited`: the delivery ran beside a sync. */
  | ({ readonly kind: 'delivered'; readonly lane: DeliveryLane; readonly awaited?: true } & DeliverResult)
  /** `ids`: the events that the store holds now. */
  | ({ readonly kind: 'events-noted'; readonly ids: readonly string[] } & OfWorker)
  // failures of activities
  | ({ readonly kind: 'history-expired'; readonly message: string } & Answer)
  | { readonly kind: 'store-lost'; readonly message: string }
  /** No worker took a delivery beside a sync. */
  | { readonly kind: 'delivery-not-taken'; readonly lane: DeliveryLane }
  | {
      readonly kind: 'delivery-failed';
      readonly lane: DeliveryLane;
      readonly message: string;
      readonly remedy?: Remedy;
    }
  | { readonly kind: 'events-failed'; readonly message: string; readonly remedy?: Remedy }
  | ({ readonly kind: 'blocked' } & Refusal);

export type EventOf<Kind extends MailboxEvent['kind']> = Extract<MailboxEvent, { kind: Kind }>;

interface Answer {
  /** True when the work was a blocked mailbox's question, which this event answers. */
  readonly asked?: boolean;
}
