import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { HistoryId, LabelId } from '../model/ids.ts';
import type { ListingStore } from '../store/listing/listing-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { Listing } from './listing-request.ts';

/** A listing of which every page has been read. */
export interface WholeListing {
  readonly deps: ActivityDependencies<MailboxRegistry & ListingStore & FetchingStore>;
  readonly session: GmailSession;
  readonly listing: Listing;
  readonly run: ActivityRun;
  readonly reconciling: boolean;
  /** The mailbox's head from before the first pass. */
  readonly startHistoryId: HistoryId;
  readonly labels: 'compared' | 'unread';
  /** The labels that Gmail names, and those that messages carry. */
  readonly labelIds: readonly LabelId[];
  /**
   * How many messages have moved into or out of the listing since `startHistoryId`; absent unless all records since
   * were read.
   */
  readonly moved?: number | undefined;
  /** Whether the listing may be repeated if Gmail counts more than it listed. */
  readonly mayRepeat: boolean;
}
