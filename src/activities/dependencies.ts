import type { Lane } from '../model/lane.ts';
import type { GmailSession } from '../gmail/api/gmail-api.ts';
import type { FailedCall } from '../gmail/quota/patience.ts';
import type { Clock } from '../model/clock.ts';
import type { ClockSkew } from '../model/clock-skew.ts';
import type { MailboxId } from '../model/ids.ts';
import type { PriceTable } from '../model/prices.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { Telemetry } from '../model/telemetry.ts';
import type { MailboxWork } from './requests.ts';

export interface SessionRequest {
  readonly mailbox: MailboxId;
  readonly lane: Lane;
  /** The settings for the calls, when the store does not have them yet. */
  readonly settings?: MailboxSettings;
  /** Called when a call must wait for its units; `until` in epoch ms. */
  readonly onWait?: (until: number) => void;
  /** Ends the call that a worker makes before its first session to learn Google's time. */
  readonly signal?: AbortSignal;
  /**
   * When given, one getProfile without retries first asks whether Gmail serves the mailbox, and the session is opened
   * only if it does.
   */
  readonly ask?: { readonly signal: AbortSignal } | undefined;
  /** Makes each call only once. */
  readonly once?: boolean | undefined;
  /** A call that a session before this one made once, in vain. */
  readonly failedBefore?: FailedCall | undefined;
}

/**
 * The dependencies of an activity, or of a part of one. Tests pass a simulator, a database in memory and a virtual
 * clock.
 *
 * @typeParam Roles - the roles of the store that it uses
 */
export interface ActivityDependencies<Roles> {
  readonly store: Roles;
  /**
   * Opens a session. From then on, `clock` shows Google's time.
   *
   * @throws {NotConnectedError} when no credentials are stored for the mailbox
   * @throws {GmailError} when the grant lacks a scope, or when Gmail was asked first and refused
   */
  readonly openSession: (request: SessionRequest) => Promise<GmailSession>;
  readonly prices: PriceTable;
  /** The part of each user's quota that Tidemark may use; all of it when not given. */
  readonly userShare?: number | undefined;
  readonly clock: Clock;
  /** `projects/P/topics/T`, to which Gmail publishes changes; null, or not given, when mailboxes are only polled. */
  readonly pushTopic?: string | null;
  /** How far this worker's clock is from Temporal's and Gmail's, when that is measured. */
  readonly skew?: Pick<ClockSkew, 'ahead'> | undefined;
  /** Nothing is reported when not given. */
  readonly telemetry?: Telemetry | undefined;
}

/** One attempt of an activity. */
export interface ActivityRun {
  /** Aborts when the activity is cancelled, or the server has given up this attempt. */
  readonly signal: AbortSignal;
  /** Whether `signal` aborted because the server has given up this attempt: no heartbeat came in time. */
  readonly wasGivenUp?: () => boolean;
  /** Temporal's number of the attempt, from 1. */
  readonly attempt: number;
  /**
   * Shows details beside the pending activity in the Temporal UI: counters and times only. Details that a call does not
   * name stay as they are.
   */
  readonly progress: (details: Readonly<Record<string, number | string | null>>) => void;
}

/** Shows waits for quota beside the pending activity. */
function waitShown(run: ActivityRun): (until: number) => void {
  return (until) => run.progress({ waitingUntil: new Date(until).toISOString() });
}

/** Session options of an activity: waits are shown in the UI, and a blocked mailbox first asks whether it is served. */
export function sessionFor({ ask }: MailboxWork, run: ActivityRun): Pick<SessionRequest, 'onWait' | 'ask' | 'signal'> {
  const { signal } = run;
  return { onWait: waitShown(run), signal, ...(ask === true ? { ask: { signal } } : {}) };
}

/** Thrown when a mailbox has no credentials yet. */
export class NotConnectedError extends Error {
  override readonly name = 'NotConnectedError';
}
