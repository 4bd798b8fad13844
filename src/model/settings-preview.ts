import type { MailboxSettings } from './settings.ts';

/** What a change of settings would do to a mailbox. */
export interface SettingsPreview {
  readonly before: MailboxSettings;
  readonly after: MailboxSettings;
  /** True when the mailbox is listed again. Without that, nothing is removed and nothing fetched. */
  readonly lists: boolean;
  /** Messages that the mailbox holds now: stored, or to be fetched. */
  readonly held: number;
  /** How many of them leave, because they are outside the new scope. */
  readonly leaving: number;
  readonly fetching: FetchingPreview;
}

/** What is fetched because of a change, as far as the mailbox and Gmail could say ahead. */
export interface FetchingPreview {
  readonly messages: number;
  /**
   * How good the number is: `at-most` when Gmail's counts overlap, `at-least` when Gmail could not be asked about
   * messages that the store does not know.
   */
  readonly certainty: 'exact' | 'at-least' | 'at-most';
  /** Gmail's quota units; null when prices are not known here. */
  readonly units: number | null;
  /** Milliseconds that the quota makes it take; null when no quota is the limit, or prices are not known here. */
  readonly duration: number | null;
}

/** How many messages a scope has at Gmail. */
export interface ScopeCount {
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
  /** Of those, messages that would be fetched anew, whole. */
  readonly whole: number;
  /** Of those, messages of which only attachments would be fetched. */
  readonly attachments: number;
}
