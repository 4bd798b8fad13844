import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { FetchTarget } from '../gmail/quota/fetch-plan.ts';
import type { MailboxId } from '../model/ids.ts';
import type { Lane } from '../model/lane.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

/** Whose messages are fetched, by which attempt of an activity, and in which form. */
export interface FetchWork {
  readonly deps: ActivityDependencies<FetchingStore>;
  readonly session: GmailSession;
  readonly fetch: FetchTarget & { readonly mailbox: MailboxId; readonly lane: Lane };
  readonly run: ActivityRun;
  /** Asks whether Gmail serves the mailbox, once for all batches in flight; throws where it does not. */
  readonly requireServed: () => Promise<void>;
}
