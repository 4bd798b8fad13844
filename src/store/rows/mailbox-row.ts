import type { HistoryId, LabelId, MailboxId, MessageId } from '../../model/ids.ts';
import type { MailboxSettings } from '../../model/settings.ts';
import type { Remedy } from '../../model/remedy.ts';

export interface MailboxRow {
  readonly id: MailboxId;
  readonly settings: MailboxSettings;
  /** The mark: everything up to it is in the store, or durably pending. null before the first listing ended. */
  readonly historyId: HistoryId | null;
  readonly generation: number;
  /** null before the first full sync. */
  readonly fullSync: FullSyncProgress | null;
  /**
   * Marks of the last seconds, oldest first: history is read again from the newest one that is old enough to have
   * settled.
   */
  readonly marks: readonly SettleMark[];
  /** When the relisting is due, epoch ms; null when none is. */
  readonly relistAt: number | null;
  /** The worse of {@link MailboxRow.conditions}. */
  readonly condition: Condition | null;
  readonly conditions: Conditions;
  readonly changeSequence: number;
  readonly createdAt: number;
  /** When the mark was last confirmed to be the mailbox's head. */
  readonly syncedAt: number | null;
  /** What the last audit found; null before the first. */
  readonly audit: AuditResult | null;
  /** null when Gmail was never asked to watch the mailbox, or the watch was stopped. */
  readonly watch: MailboxWatch | null;
  /** null before the account behind the credentials was first checked. */
  readonly account: MailboxAccount | null;
  /** The address that the mailbox had before it was renamed; null when it never was. */
  readonly renamedFrom: MailboxId | null;
  /** null while Gmail's listings are believed. */
  readonly doubt: Doubt | null;
}

/** The account behind a mailbox's credentials. Times are epoch ms. */
export interface MailboxAccount {
  /** The account's address at Google, which may differ from the mailbox's, since an account can be renamed. */
  readonly address: MailboxId;
  /** When it was first seen under this address. */
  readonly since: number;
  /** The version of the credentials that opened it. */
  readonly version: number;
  /** When Gmail was last asked for the address. */
  readonly checkedAt: number;
  /** How many units the mailbox had spent by then. */
  readonly units: number;
  /** A change came without the notification that push promised: the account may have another address since. */
  readonly isDoubted?: true;
}

/**
 * What only a listing says and no second witness confirms. Nothing is removed because of it, but what a second witness
 * did confirm is removed: a message whose get answered 404 is gone, although Gmail's count still differs. The listing
 * is repeated at {@link MailboxRow.relistAt}.
 */
export interface Doubt {
  /** Epoch milliseconds of the listing that was doubted first. */
  readonly since: number;
  /** Epoch milliseconds of the listing that was doubted last. */
  readonly checkedAt: number;
  /** How many consecutive listings were doubted. Listings within a few minutes count once. */
  readonly checks: number;
  /** Messages that Gmail counts but does not list. */
  readonly uncounted: number;
  /** Messages held here that the listings did not show. */
  readonly absent: number;
  /** Messages held here that the listings of their labels did not show. */
  readonly relabelled: number;
  /**
   * Messages that Gmail counts under a label but does not list there; 0 when that could not be compared; absent when
   * both agree.
   */
  readonly underLabels?: number;
}

/** Times are epoch ms. */
export interface MailboxWatch {
  /** The last watch that Gmail accepted; null when it never did. */
  readonly held: HeldWatch | null;
  /** The last request that failed, which is not repeated before `at`; null after a success. */
  readonly retry: { readonly topicName: string; readonly labelIds: readonly LabelId[]; readonly at: number } | null;
}

export interface HeldWatch {
  readonly topicName: string;
  readonly labelIds: readonly LabelId[];
  readonly renewedAt: number;
  /** When it ends unless it is renewed. */
  readonly expiration: number;
}

/** Where the store differs from Gmail. */
export interface Drift {
  /** At Gmail and in scope, and not held. */
  readonly missing: readonly MessageId[];
  /** Held, and not at Gmail, or out of scope. */
  readonly extra: readonly MessageId[];
  /** Held with other labels than Gmail has. */
  readonly differing: readonly MessageId[];
}

/** The result of comparing the mailbox with Gmail. Times are epoch milliseconds. */
export interface AuditResult {
  /** Epoch milliseconds when the comparison began. */
  readonly startedAt: number;
  /** Epoch milliseconds when the comparison ended. */
  readonly finishedAt: number;
  /** Messages whose labels were compared. */
  readonly checked: number;
  /** Messages that are at Gmail and not here. */
  readonly missing: number;
  /** Messages that are here and no longer at Gmail. */
  readonly extra: number;
  /** Messages whose labels differ from those at Gmail. */
  readonly differing: number;
  /**
   * Listed as differing, and neither confirmed nor refuted: a get of each was not answered, or was not made because
   * another get had shown that the listing is wrong. Not part of `extra` and `differing`.
   */
  readonly unconfirmed: number;
  /** Up to ten ids of each. */
  readonly examples: Drift;
}

export interface SettleMark {
  readonly historyId: HistoryId;
  readonly at: number;
}

/** A failure or wait that is going on now. `message` is for a person and holds nothing private. */
export interface Condition {
  /** What keeps the mailbox from its work. */
  readonly kind: 'rate-limited' | 'failing' | 'needs-consent' | 'failed';
  /** A sentence for a person. */
  readonly message: string;
  /** What a person can do; absent when nothing needs to be done, and from earlier versions. */
  readonly remedy?: Remedy;
  /** Epoch milliseconds when it began. */
  readonly since: number;
  /** Epoch milliseconds until which the work waits; null when that is unknown. */
  readonly until: number | null;
  /** False when the workflow must be told about this wait again. Absent means that the workflow knows. */
  readonly told?: boolean;
}

/** One condition a lane: a successful live sync says nothing about a failing backfill. */
export interface Conditions {
  /** What keeps live syncs from their work; null when nothing does. */
  readonly live: Condition | null;
  /** What keeps listings, backfill and audits from their work; null when nothing does. */
  readonly backfill: Condition | null;
}

interface FullSyncStart {
  readonly generation: number;
  /** The mailbox's head before the listing began: the mark, once the listing ended. */
  readonly startHistoryId: HistoryId;
  readonly startedAt: number;
  /** True when the store held messages before: then labels are compared, and absent messages are confirmed gone. */
  readonly reconciling: boolean;
  /** When the early readings of a first full sync are due, if this one began before they were settled (epoch ms). */
  readonly earlyReadingsDue?: number;
  /** True from a change of the scope until a listing of the new scope has ended. */
  readonly isOtherScope?: true;
  /**
   * True from the end of a first listing, where the scope's floor may be lower than the date of the oldest message
   * within the limit, until that date is known.
   */
  readonly isFloorBelow?: true;
  /** How often the listing was repeated because Gmail counts more messages than it listed. */
  readonly repeats?: number;
}

/** The progress of a full sync. It is saved with every page, so that a retry continues from there. */
export type FullSyncProgress = FullSyncStart &
  (
    | {
        readonly step: 'listing';
        /**
         * Which pass over the whole listing: passes repeat while messages vanish during one, since page tokens may
         * shift.
         */
        readonly pass: number;
        /** Index into the listings of the scope (one per scope label; one for all mail). */
        readonly listing: number;
        readonly pageToken: string | null;
        readonly position: number;
        /**
         * The mailbox's head at some time before this pass began: history since then shows whether the pass was clean.
         */
        readonly passHistoryId: HistoryId;
        /** True once a listing of this pass took more than a page: only then can a page token have shifted. */
        readonly paged?: boolean;
        /** The labels to list after this step, when the pass repeats one that was not clean. */
        readonly labels?: readonly LabelId[];
      }
    | {
        readonly step: 'label-listing';
        readonly pass: number;
        readonly remaining: readonly LabelId[];
        readonly pageToken: string | null;
        readonly passHistoryId: HistoryId;
        readonly paged?: boolean;
      }
    /** Labels are read message by message instead of from listings; messages up to `after` have been read. */
    | { readonly step: 'reading-labels'; readonly pass?: number; readonly after: MessageId | null }
    /**
     * Gets confirm what the listings did not show. `moved`: how many messages have moved into or out of the listing
     * since the start, when that is known.
     */
    | { readonly step: 'confirming'; readonly pass?: number; readonly moved?: number }
    | { readonly step: 'fetching' }
    | { readonly step: 'done'; readonly finishedAt: number }
  );
