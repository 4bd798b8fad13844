import { Connection, type Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { PricedForecast } from '../model/forecast.ts';
import { mailboxId, type MailboxId } from '../model/ids.ts';
import { sequenceNumber } from '../model/feed-cursor.ts';
import { knownOptions, wholeFrom } from '../model/options.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { SettingsPreview } from '../model/settings-preview.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxRenaming } from '../store/mailboxes/mailbox-renaming.ts';
import type { MailboxRemoval } from '../store/removal/mailbox-removal.ts';
import type { LostBody } from '../model/lost-body.ts';
import type { AuditResult } from '../store/rows/mailbox-row.ts';
import type { ChangePage } from '../store/feed/mailbox-changes.ts';
import type { FailedMessage, LackingMessage } from '../store/fetching/work-store.ts';
import type { StoredMessage } from '../store/reads/mail-store.ts';
import * as definitions from '../workflows/definitions.ts';
import type { Phase } from '../workflows/phase.ts';
import { auditAndWait } from './awaited-work.ts';
import {
  configureChecked,
  previewChange,
  previewFirst,
  startChecked,
  type CheckedSettingsMeans,
  type StartedMailbox,
} from './checked-settings.ts';
import { currentReport, storedReport } from './current-report.ts';
import { DeliveriesClient } from './deliveries-client.ts';
import { failingTaskOf, type FailingTask } from './failing-task.ts';
import { lastRun } from './last-run.ts';
import { listMailboxes } from './list-mailboxes.ts';
import type { ClientStore, MailboxReport } from './mailbox-report.ts';
import { commandMailbox, reconnectMailbox, signalMailbox, viewOf } from './mailbox-workflow.ts';
import { STORE_ALONE, type FirstSync, type PreviewAccess } from './preview-settings.ts';
import { renameMailbox, type RenamedMailbox, type RenamingAccess, type RenamingMeans } from './rename-mailbox.ts';
import { removeMailbox, type RemovalMeans, type RemovedMailbox } from './remove-mailbox.ts';
import { requestResync, requestSync, type SyncOptions, type SyncResult } from './request-sync.ts';
import { resumeMailboxes, type ResumeAllOptions, type ResumedMailboxes } from './resume-mailboxes.ts';
import { createRpc } from './rpc.ts';
import { runningPhases } from './running.ts';
import { stopMailbox } from './stop-mailbox.ts';
import { streamStored } from './stream-stored.ts';
import { untilInSync } from './until-in-sync.ts';
import { WAIT_OPTIONS, type WaitOptions } from './waiting.ts';
import type { WebhookAccess } from './webhook-access.ts';
import { hasWorker } from './workers.ts';

/** What a {@link TidemarkClient} works with. `openTidemark` makes one. */
export interface TidemarkClientOptions {
  readonly temporal: Client;
  /** The mirror. The client only reads from it, apart from removing and renaming mailboxes. */
  readonly store: ClientStore & MailboxRemoval & MailboxRenaming;
  /** The credentials are deleted with their mailbox. */
  readonly credentials: Pick<CredentialStore, 'delete'>;
  readonly clock: Clock;
  /** Answers {@link TidemarkClient.forecast} from the program's prices and limits. Without it the forecast is null. */
  readonly forecast?: (mailbox: MailboxId) => Promise<PricedForecast | null>;
  /**
   * What {@link TidemarkClient.previewSettings} asks of Gmail and of the prices. Without it only the store is asked.
   */
  readonly previewing?: PreviewAccess;
  /** What {@link TidemarkClient.rename} needs of Google and of the credentials. */
  readonly renaming: RenamingAccess;
  /** What subscriptions with webhooks need: the rules of addresses, and their keys. */
  readonly webhooks: WebhookAccess;
  /** Task queue of the workers; `tidemark` by default. */
  readonly taskQueue?: string;
}

/** The most messages in a list by default. */
const MOST = 1_000;

/** The options, with what is made of them. */
interface Means extends CheckedSettingsMeans, RemovalMeans, RenamingMeans {
  readonly store: TidemarkClientOptions['store'];
  readonly forecast: (mailbox: MailboxId) => Promise<PricedForecast | null>;
}

/**
 * Commands mailboxes for an application: starts, wakes and stops them, waits for them, and says how they are.
 * Commands that only signal the workflow need no worker. Waits continue while workers restart.
 *
 * A mailbox is named by its e-mail address, in upper or lower case. Every method throws `InvalidIdError` when the text
 * is not an e-mail address. A method that talks to Temporal throws `ServerUnreachableError` when no server answers, and
 * `ServerRefusedError`, `NamespaceNotFoundError` or `TemporalFailureError` when the server refuses. A method that uses
 * the database throws `StoreError` when the database cannot be used. All of them are `TidemarkError`s.
 */
export class TidemarkClient {
  /** Subscriptions and their deliveries. */
  readonly deliveries: DeliveriesClient;
  readonly #means: Means;

  /** @internal */
  constructor({
    temporal,
    store,
    credentials,
    clock,
    taskQueue = definitions.DEFAULT_TASK_QUEUE,
    renaming,
    previewing = STORE_ALONE,
    forecast = () => Promise.resolve(null),
    webhooks,
  }: TidemarkClientOptions) {
    const address =
      temporal.connection instanceof Connection ? temporal.connection.options.address : 'the given connection';
    const rpc = createRpc({ temporal, address, clock });
    this.#means = { temporal, rpc, store, clock, credentials, taskQueue, renaming, previewing, forecast };
    this.deliveries = new DeliveriesClient({ temporal, rpc, store, clock, webhooks });
  }

  /**
   * Starts a mailbox's workflow, or wakes the one that runs and gives it these settings.
   *
   * @param mailbox - its e-mail address
   * @param settings - changes to the mailbox's present settings, or to the defaults when it never ran
   * @returns whether the workflow ran before, whether it was given other settings than it had, and the settings it has
   * now
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {SettingsRefusedError} when the change is surely an error: see {@link TidemarkClient.configure}
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   * @example
   * await tidemark.client.start('ada@example.com', { format: 'raw', pollInterval: 300_000 });
   */
  async start(mailbox: string, settings: SettingsChange = {}): Promise<StartedMailbox> {
    return startChecked(this.#means, mailboxId(mailbox), settings);
  }

  /**
   * Changes the given settings of a mailbox that runs. Needs no worker. A changed scope or format begins a full sync,
   * which fetches what is missing and removes what is out of scope: {@link TidemarkClient.previewSettings} says how
   * much.
   *
   * @param mailbox - its e-mail address
   * @param change - the settings to change; the others stay as they are
   * @returns the settings as they will be. Without a worker's answer, an earlier change may be missing from them
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {SettingsRefusedError} when the change is surely an error: a date in the future, a label that does not
   * exist, or a scope in which nothing is left
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   * @example
   * await tidemark.client.configure('ada@example.com', { scope: { after: Date.parse('2026-01-01') } });
   */
  async configure(mailbox: string, change: SettingsChange): Promise<MailboxSettings> {
    return configureChecked(this.#means, mailboxId(mailbox), change);
  }

  /**
   * Says what a change of settings would do, and changes nothing: which messages leave, and what is fetched. Reads
   * every row of the mailbox. When the scope changes, it also asks Gmail for a count, which costs a few units.
   *
   * @param mailbox - its e-mail address
   * @param change - the settings that would change
   * @returns how many messages leave, and how many are fetched at which price
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {SettingsRefusedError} when {@link TidemarkClient.configure} would refuse the change
   * @example
   * const { leaving, fetching } = await tidemark.client.previewSettings('ada@example.com', { format: 'raw' });
   * console.log(`${leaving} messages leave, ${fetching.messages} are fetched for ${fetching.units} units`);
   */
  async previewSettings(mailbox: string, change: SettingsChange): Promise<SettingsPreview> {
    return previewChange(this.#means, mailboxId(mailbox), change);
  }

  /**
   * Says what the first sync of a mailbox with these settings will take, and starts nothing. Lists every id of the
   * scope, with one call of messages.list for every 500 messages, and reads no message.
   *
   * @param mailbox - its e-mail address
   * @param change - changes to the default settings
   * @param options - `signal` ends the listing, with its reason as the error
   * @returns null when the mailbox is not connected, or was synchronised before: then
   * {@link TidemarkClient.previewSettings} and {@link TidemarkClient.forecast} say what is left
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {LoginError} when Google refuses the credentials or cannot be reached
   * @example
   * const first = await tidemark.client.previewFirstSync('ada@example.com', { format: 'metadata' });
   * console.log(first?.messages, first?.units, first?.duration);
   */
  async previewFirstSync(
    mailbox: string,
    change: SettingsChange = {},
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<FirstSync | null> {
    return previewFirst(this.#means, mailboxId(mailbox), { change, signal: options.signal });
  }

  /**
   * Asks for a sync soon, because something may have changed at Gmail. Any number of pokes cost one partial sync. A
   * mailbox that is mirrored in another database is synchronised there.
   *
   * @param mailbox - its e-mail address
   * @throws {MailboxNotRunningError} when no workflow runs
   */
  async poke(mailbox: string): Promise<void> {
    await signalMailbox(this.#means, mailboxId(mailbox), definitions.poke);
  }

  /**
   * Runs a partial sync now. With `wait` it returns when the store has reached the mailbox's head as of this call.
   *
   * @param mailbox - its e-mail address
   * @param options - whether to wait, and until when
   * @returns whether the mailbox is in sync now: not while its backfill goes on, and not known without `wait`
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {MailboxBlockedError} when it waits, and the mailbox waits for a person
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   * @example
   * const { inSync } = await tidemark.client.sync('ada@example.com', { wait: true });
   */
  async sync(mailbox: string, options: SyncOptions = {}): Promise<SyncResult> {
    return requestSync(this.#means, mailboxId(mailbox), options);
  }

  /**
   * Waits until the mailbox is in sync: everything of its scope is stored, has failed or is gone, and its newest
   * changes are applied. A backfill may take hours. Meanwhile the call looks at the workflow once a second, and asks
   * Gmail nothing more.
   *
   * @param mailbox - its e-mail address
   * @param options - until when to wait, and what to call while no worker answers
   * @returns the mailbox as it is then; `counts.failed` says what could not be fetched
   * @throws {MailboxBlockedError} when the mailbox waits for a person
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   * @example
   * const signal = AbortSignal.timeout(60_000);
   * const { counts } = await tidemark.client.waitUntilInSync('ada@example.com', { signal });
   * console.log(`${counts.stored} messages`);
   */
  async waitUntilInSync(mailbox: string, options: WaitOptions = {}): Promise<MailboxReport> {
    return untilInSync(this.#means, mailboxId(mailbox), options);
  }

  /**
   * Forces a full sync, which lists everything again and corrects every difference. With `wait` it returns when the
   * full sync is complete.
   *
   * @param mailbox - its e-mail address
   * @param options - whether to wait, and until when
   * @returns whether the mailbox is in sync now: not while messages that were missing are being fetched, and not known
   * without `wait`
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {MailboxBlockedError} when it waits, and the mailbox waits for a person
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async resync(mailbox: string, options: SyncOptions = {}): Promise<SyncResult> {
    return requestResync(this.#means, mailboxId(mailbox), options);
  }

  /**
   * Compares the store with Gmail and returns the result, once the mailbox is in sync. Changes nothing.
   *
   * @param mailbox - its e-mail address
   * @param options - until when to wait, and what to call while no worker answers
   * @returns the differences; null when the store lost the mailbox meanwhile
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {MailboxBlockedError} when the mailbox waits for a person
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async audit(mailbox: string, options: WaitOptions = {}): Promise<AuditResult | null> {
    return auditAndWait(this.#means, mailboxId(mailbox), knownOptions('audit', options, WAIT_OPTIONS));
  }

  /**
   * Messages that could not be fetched, those with the earliest next attempt first. They are tried again by themselves,
   * less and less often. A message that seems deleted is among them until that is certain, for some 35 minutes.
   *
   * @param mailbox - its e-mail address
   * @param options - `limit`: the most messages to return, 1,000 by default
   * @returns the messages, each with its error
   */
  async failures(mailbox: string, options: { readonly limit?: number } = {}): Promise<readonly FailedMessage[]> {
    const { limit = MOST } = knownOptions('failures', options, { limit: true });
    return this.#means.store.listFailed(mailboxId(mailbox), wholeFrom(1, 'limit', limit));
  }

  /**
   * Stored messages of which Gmail does not give everything. They lack the `raw` form (they are stored as `full`), or
   * attachments, which syncs ask for again less and less often.
   *
   * @param mailbox - its e-mail address
   * @param options - `limit`: the most messages to return, 1,000 by default
   * @returns the messages, each with what it lacks
   */
  async lacking(mailbox: string, options: { readonly limit?: number } = {}): Promise<readonly LackingMessage[]> {
    const { limit = MOST } = knownOptions('lacking', options, { limit: true });
    return this.#means.store.listLacking(mailboxId(mailbox), wholeFrom(1, 'limit', limit));
  }

  /**
   * Tries every failed message again as soon as the quota allows, and asks again for attachments that messages lack.
   *
   * @param mailbox - its e-mail address
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async retryFailures(mailbox: string): Promise<void> {
    await commandMailbox(this.#means, mailboxId(mailbox), definitions.retryFailures);
  }

  /**
   * Lets a mailbox rest: Gmail is asked for nothing and nothing is delivered until it is resumed.
   *
   * @param mailbox - its e-mail address
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async pause(mailbox: string): Promise<void> {
    await commandMailbox(this.#means, mailboxId(mailbox), definitions.pause);
  }

  /**
   * Ends a pause, and asks Gmail again at once after `failed` or `needs-consent`.
   *
   * @param mailbox - its e-mail address
   * @throws {MailboxNotRunningError} when no workflow runs
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async resume(mailbox: string): Promise<void> {
    await commandMailbox(this.#means, mailboxId(mailbox), definitions.resume);
  }

  /**
   * Resumes every mailbox that shows one of these phases, ten a second. Needs no worker, and no database: a mailbox
   * that is mirrored in another database is resumed there. After an interruption, call it again.
   *
   * @param options - which mailboxes, and what to call after each
   * @returns the mailboxes that were resumed, and those that were not
   * @example
   * const { resumed } = await tidemark.client.resumeAll({ phases: ['failed'] });
   */
  async resumeAll(options: ResumeAllOptions = {}): Promise<ResumedMailboxes> {
    return resumeMailboxes(this.#means, options);
  }

  /**
   * Tells the workflow that the mailbox can be read again: new credentials are stored, or the token provider has
   * tokens.
   *
   * @param mailbox - its e-mail address
   * @returns false when no workflow runs: then start the mailbox
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   * @example
   * const mailbox = 'ada@example.com';
   * if (!(await tidemark.client.reconnect(mailbox))) await tidemark.client.start(mailbox);
   */
  async reconnect(mailbox: string): Promise<boolean> {
    return reconnectMailbox(this.#means, mailboxId(mailbox));
  }

  /**
   * Ends the workflow and keeps the data. Returns when it has ended, or after `patience`: without a worker it ends once
   * one runs. It also ends the workflow of a mailbox that another database holds, so that this database can take its
   * place.
   *
   * @param mailbox - its e-mail address
   * @param options - `patience`: milliseconds, 15,000 by default; `signal` ends the wait
   * @returns whether it has ended
   * @throws {MailboxNotRunningError} when no workflow runs
   */
  async stop(
    mailbox: string,
    options: { readonly patience?: number; readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly ended: boolean }> {
    return stopMailbox(this.#means, mailboxId(mailbox), options);
  }

  /**
   * Ends the workflow and deletes everything of the mailbox: mail, changes, labels, counters, credentials. The next
   * sweep removes bodies outside the database. Without a worker the workflow is terminated, and Gmail's watch ends by
   * itself within a week. A second call finishes an interrupted removal.
   *
   * @param mailbox - its e-mail address
   * @param options - `signal` interrupts the removal, with its reason as the error
   * @returns what there was of the mailbox
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async remove(mailbox: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<RemovedMailbox> {
    return removeMailbox(this.#means, mailboxId(mailbox), signal);
  }

  /**
   * Gives a mailbox the address that its account has now at Google. Mail, changes (with their numbering), mark,
   * settings, counters and credentials stay, the workflow continues under the new address, and nothing is fetched
   * again. A second call finishes an interrupted renaming.
   *
   * @param from - the mailbox's address here
   * @param to - the address that it gets
   * @param options - `force` does not ask Google whether the account has that address
   * @returns the mailbox's new and former address, and whether its workflow runs
   * @throws {MailboxUnknownError} when the store does not know `from`
   * @throws {RenameRefusedError} when `to` is a mailbox already, when the account has another address at Google or
   * Google cannot be asked, or when the workflow runs and no worker does
   * @throws {StoreError | SecretKeyError} when the mailbox or its credentials cannot be written
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async rename(
    from: string,
    to: string,
    { force = false, signal }: { readonly force?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<RenamedMailbox> {
    return renameMailbox({ ...this.#means, from: mailboxId(from), to: mailboxId(to), force, signal });
  }

  /**
   * What the workflow, Temporal and the store say about a mailbox. Needs no worker.
   *
   * @param mailbox - its e-mail address
   * @returns its phase, its counts, its last error and more
   * @throws {MailboxUnknownError} when neither the store nor Temporal knows it
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   * @example
   * const { phase, counts, lastError } = await tidemark.client.status('ada@example.com');
   * console.log(phase, counts.stored, lastError?.message, lastError?.remedy?.kind);
   */
  async status(mailbox: string): Promise<MailboxReport> {
    return currentReport(this.#means, mailboxId(mailbox));
  }

  /**
   * Whether the mailbox's workflow task keeps failing, so that signals wait behind it. Asks no worker.
   *
   * @param mailbox - its e-mail address
   * @returns null when the task does not keep failing, and when no workflow runs
   */
  async failingTask(mailbox: string): Promise<FailingTask | null> {
    return failingTaskOf({ ...this.#means, mailbox: mailboxId(mailbox) });
  }

  /**
   * What the store knows of a mailbox: cheap enough to show progress with. Asks neither Temporal nor a worker.
   *
   * @param mailbox - its e-mail address
   * @returns a report with the phase `stopped`, and with null for everything that only the workflow knows
   */
  async progress(mailbox: string): Promise<MailboxReport> {
    return storedReport(this.#means, mailboxId(mailbox));
  }

  /**
   * What the fetching that is left will cost, and when the quota will have allowed it.
   *
   * @param mailbox - its e-mail address
   * @returns units, requests and money; null when it is unknown
   */
  async forecast(mailbox: string): Promise<PricedForecast | null> {
    return await this.#means.forecast(mailboxId(mailbox));
  }

  /**
   * Every mailbox that the store holds or Temporal runs. Asks no worker.
   *
   * @returns their reports, in the order of e-mail addresses
   */
  async list(): Promise<readonly MailboxReport[]> {
    return listMailboxes(this.#means);
  }

  /**
   * The running mailboxes. Asks neither workers nor the store.
   *
   * @returns the phases that they show, by their addresses
   */
  async running(): Promise<ReadonlyMap<MailboxId, Phase>> {
    return runningPhases(this.#means);
  }

  /**
   * Whether a mailbox runs, ran before, or never ran as far as Temporal and the store remember. Asks no worker.
   *
   * @param mailbox - its e-mail address
   * @returns `ended` also when only the store remembers it
   */
  async lastRun(mailbox: string): Promise<'running' | 'ended' | 'none'> {
    return lastRun(this.#means, mailboxId(mailbox));
  }

  /**
   * Refuses a mailbox whose workflow mirrors it into another database. Asks its worker; without an answer, nothing is
   * refused.
   *
   * @param mailbox - its e-mail address
   * @throws {OtherDatabaseError} when the mailbox is mirrored in another database
   */
  async requireHere(mailbox: string): Promise<void> {
    await viewOf(this.#means, mailboxId(mailbox));
  }

  /**
   * Whether a worker has polled this client's task queue within the last minute or so.
   *
   * @param signal - ends the question, with its reason as the error
   * @returns false also when Temporal has not heard of a worker yet
   */
  async hasWorker(signal?: AbortSignal): Promise<boolean> {
    return hasWorker(this.#means, signal);
  }

  /**
   * A page of a mailbox's changes, oldest first. Sequence numbers have no gaps, so a reader that remembers its last one
   * misses none. `tidemark.changes()` follows without pages.
   *
   * @param mailbox - its e-mail address
   * @param options - `after`: the sequence number of the last change that was dealt with, 0 by default; `limit`: the
   * most changes in the page, 500 by default
   * @returns the changes; `hasMore` says that the page is not the end
   * @throws {InvalidCursorError} when `after` is no sequence number
   * @throws {CursorAheadError} when the mailbox has fewer changes: the number is of another mailbox or database
   * @throws {CursorPrunedError} when changes after `after` were pruned
   * @example
   * const { changes, hasMore } = await tidemark.client.readChanges('ada@example.com', { after: 1_950 });
   */
  async readChanges(
    mailbox: string,
    options: { readonly after?: number; readonly limit?: number } = {},
  ): Promise<ChangePage> {
    const { after = 0, limit = 500 } = knownOptions('readChanges', options, { after: true, limit: true });
    return this.#means.store.readChangePage({
      mailbox: mailboxId(mailbox),
      after: sequenceNumber(after),
      limit: wholeFrom(1, 'limit', limit),
    });
  }

  /**
   * Every live message with its stored bytes: stored and in scope. A message whose body was lost outside the database
   * is left out and fetched again. The change feed says when the message is back. `tidemark.mailbox(…)` gives messages
   * decoded.
   *
   * @param mailbox - its e-mail address
   * @param options - `onLostBody` is called with each message that is left out
   * @returns the messages, read while the loop goes on
   * @throws {StoreError} when the store, or the place of a body, cannot be used
   */
  streamMessages(
    mailbox: string,
    { onLostBody }: { readonly onLostBody?: (lost: LostBody) => void } = {},
  ): AsyncIterable<StoredMessage> {
    return streamStored(this.#means, mailboxId(mailbox), onLostBody);
  }
}
