import { Connection, type Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { PricedForecast } from '../model/forecast.ts';
import type { MailboxId } from '../model/ids.ts';
import { DEFAULT_SETTINGS, type MailboxSettings } from '../model/settings.ts';
import { changeSettings, type SettingsChange } from '../model/settings-change.ts';
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
import { auditAndWait, resyncAndWait, syncAndWait } from './awaited-work.ts';
import {
  configureChecked,
  previewChange,
  startChecked,
  type CheckedSettingsMeans,
  type StartedMailbox,
} from './checked-settings.ts';
import { DeliveriesClient } from './deliveries-client.ts';
import { failingTaskOf, type FailingTask } from './failing-task.ts';
import { blockReasonOf, MailboxBlockedError, MailboxNotRunningError, MailboxUnknownError } from './errors.ts';
import { listMailboxes } from './list-mailboxes.ts';
import { readStored, reportOf, type ClientStore, type MailboxReport } from './mailbox-report.ts';
import { signalMailbox, viewOf } from './mailbox-workflow.ts';
import { STORE_ALONE, type FirstSync, type PreviewAccess } from './preview-settings.ts';
import { renameMailbox, type RenamedMailbox, type RenamingAccess } from './rename-mailbox.ts';
import { removeMailbox, type RemovedMailbox } from './remove-mailbox.ts';
import { RESUMABLE_PHASES, resumeMailboxes, type ResumedMailboxes, type ResumeRequest } from './resume-mailboxes.ts';
import { createRpc } from './rpc.ts';
import { lastRun, runningMailboxes } from './running.ts';
import { startOrWake } from './start-mailbox.ts';
import { stopMailbox } from './stop-mailbox.ts';
import { isBlocked, type WaitOptions } from './waiting.ts';
import type { WebhookAccess } from './webhook-access.ts';
import { hasRecentPoller } from './workers.ts';

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

/** What a sync has come to. */
export interface SyncResult {
  /** null when it was not waited for, or no worker answered in the end. */
  readonly inSync: boolean | null;
}

/** Milliseconds between two looks of {@link TidemarkClient.waitUntilInSync}. */
const IN_SYNC_LOOK = 1_000;

/** How a sync is asked for. */
export interface SyncOptions extends WaitOptions {
  /** True waits until the work is done, instead of only requesting it. */
  readonly wait?: boolean;
}

/** The options, with what is made of them. */
interface Means extends CheckedSettingsMeans {
  readonly store: TidemarkClientOptions['store'];
  readonly credentials: TidemarkClientOptions['credentials'];
  readonly renaming: RenamingAccess;
  readonly forecast: (mailbox: MailboxId) => Promise<PricedForecast | null>;
}

/**
 * Commands mailboxes for an application: starts, wakes and stops them, waits for them, and reads their mail.
 * Commands that only signal the workflow need no worker. Waits continue while workers restart.
 *
 * Every method that talks to Temporal throws `TidemarkError` (see `errors.ts`), every one that reads mail
 * `StoreError`.
 */
export class TidemarkClient {
  /** Subscriptions and their deliveries. */
  readonly deliveries: DeliveriesClient;
  readonly #means: Means;

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
   * @param settings - changes to the mailbox's present settings, or to the defaults when it never ran
   * @returns whether the workflow ran before, whether it was given other settings than it had, and the settings it has
   * now
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {SettingsRefusedError} when the change is surely an error: see {@link TidemarkClient.configure}
   */
  async start(mailbox: MailboxId, settings: SettingsChange = {}): Promise<StartedMailbox> {
    return startChecked(this.#means, mailbox, settings);
  }

  /**
   * Changes the given settings of a mailbox that runs. Needs no worker. A changed scope or format begins a full sync,
   * which fetches what is missing and removes what is out of scope: {@link TidemarkClient.previewSettings} says how
   * much.
   *
   * @returns the settings as they will be. Without a worker's answer, an earlier change may be missing from them
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {SettingsRefusedError} when the change is surely an error: a date in the future, a label that does not
   * exist, or a scope in which nothing is left
   * @throws {MailboxNotRunningError} when no workflow runs
   */
  async configure(mailbox: MailboxId, change: SettingsChange): Promise<MailboxSettings> {
    return configureChecked(this.#means, mailbox, change);
  }

  /**
   * Says what a change of settings would do, and changes nothing: which messages leave, and what is fetched. Reads
   * every row of the mailbox; of a wider scope it also asks Gmail for a count, which costs a few units.
   *
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {SettingsRefusedError} when {@link TidemarkClient.configure} would refuse the change
   */
  async previewSettings(mailbox: MailboxId, change: SettingsChange): Promise<SettingsPreview> {
    return previewChange(this.#means, mailbox, change);
  }

  /**
   * Says what the first sync of a mailbox with these settings will take, and starts nothing. Lists every id of the
   * scope, at a call of messages.list for 500 messages, and reads no message.
   *
   * @returns null when the mailbox is not connected, or was synchronised before: then
   * {@link TidemarkClient.previewSettings} and {@link TidemarkClient.forecast} say what is left
   * @throws {InvalidSettingsError} when a value is not allowed
   * @throws {LoginError} when Google refuses the credentials or cannot be reached
   */
  async foretell(
    mailbox: MailboxId,
    change: SettingsChange = {},
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<FirstSync | null> {
    const { store, previewing } = this.#means;
    if ((await store.getMailbox(mailbox)) !== null) return null;
    return previewing.foretell(mailbox, changeSettings(DEFAULT_SETTINGS, change), signal);
  }

  /** Asks for a sync soon, because something may have changed at Gmail. Any number of pokes cost one partial sync. */
  async poke(mailbox: MailboxId): Promise<void> {
    await this.#signal(mailbox, definitions.poke);
  }

  /**
   * Runs a partial sync now. With `wait` it returns when the store has reached the mailbox's head as of this call.
   *
   * @returns whether the mailbox is in sync now: not while its backfill goes on, and not known without `wait`
   */
  async sync(mailbox: MailboxId, { wait = false, ...options }: SyncOptions = {}): Promise<SyncResult> {
    if (!wait) {
      await this.poke(mailbox);
      return { inSync: null };
    }
    await syncAndWait(this.#means, mailbox, options);
    return { inSync: (await viewOf(this.#means, mailbox)).status?.inSync ?? null };
  }

  /**
   * Waits until the mailbox is in sync: everything of its scope is stored, has failed or is gone, and its newest
   * changes are applied. A backfill may take hours. Meanwhile it asks the workflow once a second, and Gmail for nothing
   * more.
   *
   * @returns the mailbox as it is then; `counts.failed` says what could not be fetched
   * @throws {MailboxBlockedError} when the mailbox waits for a person
   * @throws {MailboxNotRunningError} when no workflow runs
   */
  async waitUntilInSync(mailbox: MailboxId, options: WaitOptions = {}): Promise<MailboxReport> {
    await this.sync(mailbox, { ...options, wait: true });
    for (;;) {
      const report = await this.status(mailbox);
      const { phase, inSync } = report;
      if (inSync === true) return report;
      if (phase === 'stopped') throw new MailboxNotRunningError(mailbox);
      if (isBlocked(phase)) throw new MailboxBlockedError(mailbox, phase, blockReasonOf(report));
      if (!report.workerAnswered) options.onNoWorker?.();
      await this.#means.clock.sleep(IN_SYNC_LOOK, options.signal);
    }
  }

  /**
   * Forces a full sync, which lists everything again and corrects every difference. With `wait` it returns when that is
   * complete.
   */
  async resync(mailbox: MailboxId, { wait = false, ...options }: SyncOptions = {}): Promise<void> {
    if (!wait) return this.#signal(mailbox, definitions.forceResync);
    await resyncAndWait(this.#means, mailbox, options);
  }

  /**
   * Compares the store with Gmail and returns the result, once the mailbox is in sync. Changes nothing.
   *
   * @returns the differences; null when the store lost the mailbox meanwhile
   */
  async audit(mailbox: MailboxId, options: WaitOptions = {}): Promise<AuditResult | null> {
    return auditAndWait(this.#means, mailbox, options);
  }

  /**
   * Messages that could not be fetched, next attempt first. They are tried again by themselves, less and less often.
   */
  async failures(mailbox: MailboxId, { limit = 1_000 }: { limit?: number } = {}): Promise<readonly FailedMessage[]> {
    return this.#means.store.listFailed(mailbox, limit);
  }

  /**
   * Stored messages of which Gmail does not give everything: the `raw` form (they are stored as full), or attachments,
   * which are asked for again less and less often.
   */
  async lacking(mailbox: MailboxId, { limit = 1_000 }: { limit?: number } = {}): Promise<readonly LackingMessage[]> {
    return this.#means.store.listLacking(mailbox, limit);
  }

  /** Tries every failed message again now, and asks again for attachments that messages lack. */
  async retryFailures(mailbox: MailboxId): Promise<void> {
    await this.#signal(mailbox, definitions.retryFailures);
  }

  async pause(mailbox: MailboxId): Promise<void> {
    await this.#signal(mailbox, definitions.pause);
  }

  /** Ends a pause, and asks Gmail again at once after `failed` or `needs-consent`. */
  async resume(mailbox: MailboxId): Promise<void> {
    await this.#signal(mailbox, definitions.resume);
  }

  /**
   * Resumes every mailbox that shows one of these phases, ten a second. Needs no worker. After an interruption, call it
   * again.
   *
   * @param options.phases - all of {@link RESUMABLE_PHASES} when not given
   * @param options.onResumed - called with each mailbox
   */
  async resumeAll({
    phases = RESUMABLE_PHASES,
    ...options
  }: Partial<Pick<ResumeRequest, 'phases' | 'onResumed' | 'signal'>> = {}): Promise<ResumedMailboxes> {
    const { temporal, rpc, clock } = this.#means;
    return resumeMailboxes({ temporal, rpc, clock, phases, ...options });
  }

  /** Tells the workflow that new credentials are stored. @returns false when no workflow runs */
  async reconnect(mailbox: MailboxId): Promise<boolean> {
    try {
      await this.#signal(mailbox, definitions.reconnect);
      return true;
    } catch (error) {
      if (error instanceof MailboxNotRunningError) return false;
      throw error;
    }
  }

  /**
   * Ends the workflow and keeps the data. Returns when it has ended, or after `patience`: without a worker it ends once
   * one runs.
   *
   * @param options.patience - milliseconds
   */
  async stop(
    mailbox: MailboxId,
    { patience = 15_000, signal }: { patience?: number; signal?: AbortSignal } = {},
  ): Promise<{ readonly ended: boolean }> {
    return stopMailbox(this.#means, mailbox, { patience, signal });
  }

  /**
   * Ends the workflow and deletes everything of the mailbox: mail, changes, labels, counters, credentials. The next
   * sweep removes bodies outside the database. Without a worker the workflow is terminated, and Gmail's watch ends by
   * itself within a week. A second call finishes an interrupted removal.
   *
   * @throws {StoreError} when the store cannot be used
   */
  async remove(mailbox: MailboxId, { signal }: { signal?: AbortSignal } = {}): Promise<RemovedMailbox> {
    const patience = (await this.hasWorker(signal)) ? 15_000 : 0;
    const { temporal, rpc, clock, store, credentials } = this.#means;
    return removeMailbox({
      mailbox,
      temporal,
      rpc,
      clock,
      stores: { store, credentials },
      stop: () => stopMailbox(this.#means, mailbox, { patience, signal }),
      signal,
    });
  }

  /**
   * Gives a mailbox the address that its account has now at Google. Mail, changes (with their numbering), mark,
   * settings, counters and credentials stay, the workflow continues under the new address, and nothing is fetched
   * again. A second call finishes an interrupted renaming.
   *
   * @param options.force - true does not ask Google whether the account has that address
   * @throws {MailboxUnknownError} when the store does not know `from`
   * @throws {RenameRefusedError} when `to` is a mailbox already, when the account has another address at Google or
   * Google cannot be asked, or when the workflow runs and no worker does
   * @throws {StoreError | SecretKeyError} when the mailbox or its credentials cannot be written
   */
  async rename(
    from: MailboxId,
    to: MailboxId,
    { force = false, signal }: { force?: boolean; signal?: AbortSignal } = {},
  ): Promise<RenamedMailbox> {
    const { temporal, rpc, clock, taskQueue, store, credentials, renaming } = this.#means;
    return renameMailbox({
      from,
      to,
      force,
      temporal,
      rpc,
      clock,
      signal,
      store,
      credentials,
      access: renaming,
      hasWorker: () => this.hasWorker(signal),
      start: async (carried) =>
        startOrWake({
          store: await store.identity(),
          temporal,
          rpc,
          clock,
          taskQueue,
          mailbox: to,
          settings: carried.settings,
          change: {},
          configure: false,
          carried,
        }),
    });
  }

  /**
   * What the workflow, Temporal and the store say about a mailbox. Needs no worker.
   *
   * @throws {MailboxUnknownError} when neither the store nor Temporal knows it
   */
  async status(mailbox: MailboxId): Promise<MailboxReport> {
    // In this order: when the workflow says that it is in sync, what is read from the store afterwards must show it.
    const running = await viewOf(this.#means, mailbox);
    const stored = await readStored(this.#means.store, mailbox, this.#means.clock.now());
    if (stored.row === null && running.phase === null && (running.failure ?? null) === null)
      throw new MailboxUnknownError(mailbox);
    return reportOf(mailbox, stored, running);
  }

  /** Whether the mailbox's workflow task keeps failing, so that signals wait behind it. Asks no worker. */
  async failingTask(mailbox: MailboxId): Promise<FailingTask | null> {
    return failingTaskOf({ ...this.#means, mailbox });
  }

  /** What the store knows of a mailbox: cheap enough to draw progress from. */
  async progress(mailbox: MailboxId): Promise<MailboxReport> {
    const { store, clock } = this.#means;
    return reportOf(mailbox, await readStored(store, mailbox, clock.now()), { phase: null, status: null });
  }

  /**
   * The units that are left to spend on fetching, and when the quota will have allowed them; null when it is unknown.
   */
  async forecast(mailbox: MailboxId): Promise<PricedForecast | null> {
    return await this.#means.forecast(mailbox);
  }

  /** Every mailbox that the store holds or Temporal runs, in the order of e-mail addresses. Asks no worker. */
  async list(): Promise<readonly MailboxReport[]> {
    return listMailboxes(this.#means);
  }

  /** The running mailboxes, with the phases that they show. Asks neither workers nor the store. */
  async running(): Promise<ReadonlyMap<MailboxId, Phase>> {
    const { temporal, rpc } = this.#means;
    const running = await rpc({}, () => runningMailboxes(temporal));
    return new Map([...running].map(([mailbox, { phase }]) => [mailbox, phase] as const));
  }

  /** Whether a mailbox runs, ran before, or never ran as far as Temporal and the store remember. Asks no worker. */
  async lastRun(mailbox: MailboxId): Promise<'running' | 'ended' | 'none'> {
    const last = await lastRun({ ...this.#means, mailbox });
    return last === 'none' && (await this.#means.store.getMailbox(mailbox)) !== null ? 'ended' : last;
  }

  /** Whether a worker has polled this client's task queue within the last minute or so. */
  async hasWorker(signal?: AbortSignal): Promise<boolean> {
    const { temporal, rpc, taskQueue, clock } = this.#means;
    return rpc({ signal }, () => hasRecentPoller({ temporal, taskQueue, now: clock.now() }));
  }

  /**
   * A page of the changes after sequence number `after`, oldest first. Sequence numbers have no gaps, so a reader that
   * remembers its last one misses none. `hasMore` says that the page is not the end. `tidemark.changes()` follows
   * without pages.
   *
   * @throws {CursorAheadError} when the mailbox has fewer changes: the number is of another mailbox or database
   * @throws {CursorPrunedError} when changes after `after` were pruned
   */
  async readChanges(
    mailbox: MailboxId,
    { after = 0, limit = 500 }: { after?: number; limit?: number } = {},
  ): Promise<ChangePage> {
    return this.#means.store.readChangePage({ mailbox, after, limit });
  }

  /**
   * Every live message: stored and in scope. A message whose body was lost outside the database is left out and fetched
   * again. The change feed says when it is back.
   *
   * @param options.onLostBody - called with each message that is left out
   * @throws {StoreError} when the store, or the place of a body, cannot be used
   */
  streamMessages(
    mailbox: MailboxId,
    { onLostBody }: { onLostBody?: (lost: LostBody) => void } = {},
  ): AsyncIterable<StoredMessage> {
    const { store, clock } = this.#means;
    return store.streamMessages(mailbox, {
      onLostBody: async (lost) => {
        await store.refetchLost({ mailbox, lost, now: clock.now() });
        onLostBody?.(lost);
      },
    });
  }

  async #signal(mailbox: MailboxId, signal: Parameters<typeof signalMailbox>[2]): Promise<void> {
    await signalMailbox(this.#means, mailbox, signal);
  }
}
