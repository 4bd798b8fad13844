import type { GmailSession, Lane } from '../gmail/api/gmail-api.ts';
import type { Clock } from '../model/clock.ts';
import type { ClockSkew } from '../model/clock-skew.ts';
import type { MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { MailboxStore } from '../store/mailbox-store.ts';
import type { Question } from './requests.ts';

export interface SessionRequest {
  readonly mailbox: MailboxId;
  readonly lane: Lane;
  /** Under which the calls are made, where they are not yet those of the store. */
  readonly settings?: MailboxSettings;
  /** Told until when (epoch ms) a call waits for its units. */
  readonly onWait?: (until: number) => void;
  /** Given where Gmail is asked first, by one getProfile that is not repeated, whether it serves the mailbox: the session is opened only if it does. */
  readonly ask?: { readonly signal: AbortSignal } | undefined;
}

/** What the activities need, handed to them: tests give a simulator, a database in memory and a virtual clock. */
export interface ActivityDependencies {
  readonly store: MailboxStore;
  /**
   * @throws {NotConnectedError} when no credentials are stored for the mailbox
   * @throws {GmailError} when the grant lacks a scope, or when Gmail was asked first and refused
   */
  readonly openSession: (request: SessionRequest) => Promise<GmailSession>;
  readonly prices: PriceTable;
  /** Part of each user's quota that is ours; all when not given. */
  readonly userShare?: number | undefined;
  readonly clock: Clock;
  /** `projects/P/topics/T`, to which Gmail publishes what changes; null, or not given, when mailboxes are polled alone. */
  readonly pushTopic?: string | null;
  /** How far this worker's clock is from Temporal's, where that is measured. */
  readonly skew?: Pick<ClockSkew, 'ahead'> | undefined;
  /** Nobody watches when it is not given. */
  readonly telemetry?: Telemetry | undefined;
}

/** One attempt of an activity. */
export interface ActivityRun {
  /** Aborts when the activity is cancelled, or when this attempt was given up. */
  readonly signal: AbortSignal;
  /** Shown in the Temporal UI beside the pending activity: counters and times only. What is not named stays. */
  readonly progress: (details: Readonly<Record<string, number | string | null>>) => void;
}

/** Shows waits for quota beside the pending activity. */
function waitShown(run: ActivityRun): (until: number) => void {
  return (until) => run.progress({ waitingUntil: new Date(until).toISOString() });
}

/** What an activity opens its session with: its waits are shown, and a blocked mailbox asks first. */
export function sessionFor({ ask }: Question, run: ActivityRun): Pick<SessionRequest, 'onWait' | 'ask'> {
  return { onWait: waitShown(run), ...(ask === true ? { ask: { signal: run.signal } } : {}) };
}

/** Thrown when a mailbox has no credentials yet. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}
