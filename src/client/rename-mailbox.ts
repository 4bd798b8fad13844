import type { MailboxId } from '../model/ids.ts';
import type { CredentialStore } from '../secrets/credential-store.ts';
import type { MailboxRenaming } from '../store/mailboxes/mailbox-renaming.ts';
import { handOver, workflowIdOf, type MailboxInput, type MailboxResult } from '../workflows/definitions.ts';
import { chainOf, describedRun } from './described-run.ts';
import { MailboxNotRunningError, MailboxUnknownError, RenameRefusedError } from './errors.ts';
import type { ClientStore } from './mailbox-report.ts';
import { viewOf, type ClientMeans } from './mailbox-workflow.ts';
import { startOrWake } from './start-mailbox.ts';
import { hasWorker } from './workers.ts';

/** What has become of a mailbox that was renamed. */
export interface RenamedMailbox {
  /** The id that the mailbox has now. */
  readonly mailbox: MailboxId;
  /** The id that it had before. */
  readonly from: MailboxId;
  /** Whether a workflow runs under the new id. A stopped mailbox stays stopped. */
  readonly running: boolean;
}

/**
 * What a renaming needs besides Temporal and the store: an answer from Google, and the key that binds credentials to a
 * mailbox's id.
 */
export interface RenamingAccess {
  /**
   * Asks Google whether `to` is the account's address. @returns null when it is, else why the renaming is refused, for
   * a person
   */
  refusalOf(request: { from: MailboxId; to: MailboxId }): Promise<string | null>;
  /** Encrypts the credentials of `from` for `to`, unless `to` has its own. */
  copyCredentials(request: { from: MailboxId; to: MailboxId }): Promise<void>;
}

/** What a renaming needs besides what commands work with. */
export interface RenamingMeans extends ClientMeans {
  readonly store: ClientStore & MailboxRenaming;
  readonly credentials: Pick<CredentialStore, 'delete'>;
  readonly renaming: RenamingAccess;
  readonly taskQueue: string;
}

interface RenameRequest extends RenamingMeans {
  readonly from: MailboxId;
  readonly to: MailboxId;
  /** Renames without asking Google. */
  readonly force: boolean;
  readonly signal: AbortSignal | undefined;
}

/** In milliseconds. A workflow hands over once its activities have ended, and a worker cancels those within seconds. */
const PATIENCE = 60_000;
const PAUSE = 100;

/**
 * Gives a mailbox another id. Each step leaves a state from which the next call continues, so an interrupted renaming
 * is finished by calling again. Nothing is lost meanwhile: the mark in the store says from where history is read.
 *
 * @throws {MailboxUnknownError | RenameRefusedError | OtherDatabaseError} before anything is changed
 */
export async function renameMailbox(request: RenameRequest): Promise<RenamedMailbox> {
  const { from, to, store, credentials, renaming, clock } = request;
  await viewOf(request, from);
  const begun = await isInterrupted(request);
  if (!begun) await requireAllowed(request);
  // First the credentials, which nothing reads yet. An interruption after it leaves an extra record, which the next
  // call keeps or replaces.
  await renaming.copyCredentials({ from, to });
  // Then the workflow: its result holds its state, so after an interruption the state is still there, and the former id
  // could still be started.
  const last = await handedOver(request, begun);
  // Then the row is renamed and the former workflow's chain is buried, in one transaction: before it everything is
  // under the former id, afterwards under the new one.
  const outcome = await store.renameMailbox({ from, to, chain: last?.chain ?? null, now: clock.now() });
  if (outcome === 'taken') throw taken(from, to);
  if (outcome === 'unknown') throw new MailboxUnknownError(from);
  // From here on only a repeated renaming looks for the former id, and it needs no credentials.
  await credentials.delete(from);
  // The new workflow last, since it uses all of the above. It reads history from the mark at once, so no change is
  // missed.
  if (last?.carried != null && !(await hasRunSince(request, last.closedAt)))
    await startCarried(request, { ...last.carried, mailbox: to, blocked: null });
  return { mailbox: to, from, running: (await describe(request, to))?.running === true };
}

/** Whether an earlier renaming was interrupted after it had renamed the row. */
async function isInterrupted({ from, to, store }: RenameRequest): Promise<boolean> {
  return (await store.getMailbox(from)) === null && (await store.getMailbox(to))?.renamedFrom === from;
}

async function requireAllowed(request: RenameRequest): Promise<void> {
  const { from, to, store, renaming, force, signal } = request;
  if (from === to) throw new RenameRefusedError('same', `${from} has that address already: nothing was changed.`);
  if ((await store.getMailbox(from)) === null) throw new MailboxUnknownError(from);
  if ((await store.getMailbox(to)) !== null || (await describe(request, to))?.running === true) throw taken(from, to);
  const refusal = force ? null : await renaming.refusalOf({ from, to });
  if (refusal !== null)
    throw new RenameRefusedError('not-its-address', refusal, {
      mailbox: from,
      remedy: { kind: 'rename-by-force', from, to },
    });
  if ((await describe(request, from))?.running === true && !(await hasWorker(request, signal))) {
    throw new RenameRefusedError(
      'no-worker',
      `No worker runs, and the workflow of ${from} must hand over to that of ${to}: nothing was changed. ` +
        'Once a worker runs, rename again.',
      { mailbox: from, remedy: { kind: 'run-worker' } },
    );
  }
}

const taken = (from: MailboxId, to: MailboxId): RenameRefusedError =>
  new RenameRefusedError(
    'taken',
    `${to} is a mailbox of its own here, so ${from} cannot get its name: nothing was changed.`,
    { mailbox: from, remedy: { kind: 'remove', mailbox: to } },
  );

interface Execution {
  readonly running: boolean;
  readonly runId: string;
  readonly chain: string;
  readonly startedAt: number;
  readonly closedAt: number | null;
  readonly isCompleted: boolean;
}

interface HandedOver {
  readonly chain: string;
  /** null when the workflow was stopped instead of handing over: then it stays stopped. */
  readonly carried: MailboxInput['carried'];
  readonly closedAt: number;
}

/**
 * Ends the workflow of `from`, if it runs, and returns the state that it hands over; null when Temporal remembers no
 * run of it.
 *
 * @param isRenamed - true when the row has its new id: a workflow that runs under the former id was started since, for
 * another mailbox
 */
async function handedOver(request: RenameRequest, isRenamed: boolean): Promise<HandedOver | null> {
  const { from, to, temporal, rpc, clock, signal } = request;
  const workflowId = workflowIdOf(from);
  const deadline = clock.now() + PATIENCE;
  let last = await describe(request, from);
  if (last?.running === true && isRenamed) return null;
  if (last?.running === true)
    await rpc({ mailbox: from, signal }, () => temporal.workflow.getHandle(workflowId).signal(handOver, { to })).catch(
      ignoreEnded,
    );
  for (; last?.running === true; last = await describe(request, from)) {
    if (clock.now() > deadline) {
      throw new RenameRefusedError(
        'no-worker',
        `The workflow of ${from} was told to hand over to ${to}, and has not ended yet. ` +
          'It will once a worker of this version serves it: then rename again, which finishes this.',
      );
    }
    await clock.sleep(PAUSE, signal);
  }
  if (last === null) return null;
  const { runId, chain, isCompleted } = last;
  const result = isCompleted
    ? await rpc(
        { mailbox: from, signal },
        () => temporal.workflow.getHandle(workflowId, runId).result() as Promise<MailboxResult>,
      )
    : null;
  return {
    chain,
    carried: result?.handedOver?.to === to ? result.handedOver.state : null,
    closedAt: last.closedAt ?? clock.now(),
  };
}

/** Starts the workflow of `to` with the state of the workflow of `from`. */
async function startCarried(
  { temporal, rpc, clock, taskQueue, store, to }: RenameRequest,
  carried: NonNullable<MailboxInput['carried']>,
): Promise<void> {
  await startOrWake({
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
  });
}

/** Whether a workflow of `to` began after that of `from` had ended: then the last step is done. */
async function hasRunSince(request: RenameRequest, closedAt: number): Promise<boolean> {
  const last = await describe(request, request.to);
  return last !== null && (last.running || last.startedAt >= closedAt);
}

async function describe({ temporal, rpc, signal }: RenameRequest, mailbox: MailboxId): Promise<Execution | null> {
  const described = await describedRun({ temporal, rpc, mailbox, signal });
  if (described === null) return null;
  const { status, runId, startTime, closeTime } = described;
  return {
    running: status.name === 'RUNNING',
    runId,
    chain: chainOf(described),
    startedAt: startTime.getTime(),
    closedAt: closeTime?.getTime() ?? null,
    isCompleted: status.name === 'COMPLETED',
  };
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof MailboxNotRunningError)) throw error;
}
