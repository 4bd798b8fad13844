import type { Money } from './forecast.ts';
import type { MailboxSettings } from './settings.ts';
import type { WorkLeft } from './work-left.ts';

/** What a change of settings would do to a mailbox. */
export interface SettingsPreview {
  /** The settings as they are. */
  readonly before: MailboxSettings;
  /** The settings as they would be. */
  readonly after: MailboxSettings;
  /** True when the mailbox is listed again. Without that, nothing is removed and nothing fetched. */
  readonly lists: boolean;
  /** Messages that the mailbox holds now: stored, or to be fetched. */
  readonly held: number;
  /** How many of them leave, because they are outside the new scope. */
  readonly leaving: number;
  /** What would be fetched. */
  readonly fetching: FetchingPreview;
}

/** What work comes to at the configured prices. Each figure is null when prices are not known here. */
export interface WorkPrice {
  /** Gmail's quota units. */
  readonly units: number | null;
  /** Requests, if all succeed. */
  readonly requests: number | null;
  /** What the requests cost, without a daily free allowance; null where requests cost nothing. */
  readonly money: Money | null;
  /** Milliseconds that the quota makes it take; null when no quota is the limit, too. */
  readonly duration: number | null;
}

/** What is fetched because of a change, as far as the mailbox and Gmail could say ahead. */
export interface FetchingPreview extends WorkPrice {
  /** How many messages are fetched. */
  readonly messages: number;
  /**
   * How good the number is: `at-most` when Gmail's counts overlap, `at-least` when Gmail could not be asked about
   * messages that the store does not know.
   */
  readonly certainty: 'exact' | 'at-least' | 'at-most';
}

/** What a whole listing of a scope shows of the work of its first sync. */
export interface ListedScope extends Pick<WorkLeft, 'threads' | 'attachedShare'> {
  readonly messages: number;
  /** The calls of messages.list that it took. */
  readonly pages: number;
}

/** How many messages a scope has at Gmail. */
export interface ScopeCount {
  /** How many messages, or the most that there can be. */
  readonly messages: number;
  /** False when there may be fewer. */
  readonly isExact: boolean;
}

/** How the messages that a mailbox holds would fare under other settings. */
export interface HeldUnderSettings {
  /** Messages that are stored, or to be fetched, under the present settings. */
  readonly held: number;
  /** How many of them would leave. */
  readonly leaving: number;
  /** Messages known to the store that would be in scope, whether they are held now or not. */
  readonly known: number;
  /** Of the known messages, those that would be fetched again as a whole. */
  readonly whole: number;
  /** Of the known messages, those of which only attachments would be fetched. */
  readonly attachments: number;
}
