import type { MailboxId } from '../model/ids.ts';
import { knownOptions, type OptionNames } from '../model/options.ts';
import { forceResync, poke } from '../workflows/definitions.ts';
import { resyncAndWait, syncAndWait } from './awaited-work.ts';
import { commandMailbox, viewOf, type ClientMeans } from './mailbox-workflow.ts';
import { WAIT_OPTIONS, type WaitOptions } from './waiting.ts';

/** How a sync is asked for. */
export interface SyncOptions extends WaitOptions {
  /** True waits until the work is done, instead of only requesting it. False by default. */
  readonly wait?: boolean;
}

/** The result of a sync. */
export interface SyncResult {
  /** Whether everything of the mailbox is stored now. Null when the call did not wait, or no worker answered. */
  readonly inSync: boolean | null;
}

const SYNC_OPTIONS: OptionNames<SyncOptions> = { wait: true, ...WAIT_OPTIONS };

/** Asks for a partial sync, and waits for it where that is wanted. */
export function requestSync(means: ClientMeans, mailbox: MailboxId, options: SyncOptions): Promise<SyncResult> {
  return request(means, mailbox, options, { name: 'sync', signal: poke, andWait: syncAndWait });
}

/** Asks for a full sync, and waits for it where that is wanted. */
export function requestResync(means: ClientMeans, mailbox: MailboxId, options: SyncOptions): Promise<SyncResult> {
  return request(means, mailbox, options, { name: 'resync', signal: forceResync, andWait: resyncAndWait });
}

interface RequestedSync {
  /** The method, as errors about its options name it. */
  readonly name: string;
  readonly signal: typeof poke | typeof forceResync;
  readonly andWait: typeof syncAndWait;
}

async function request(
  means: ClientMeans,
  mailbox: MailboxId,
  options: SyncOptions,
  { name, signal, andWait }: RequestedSync,
): Promise<SyncResult> {
  const { wait = false, ...waiting } = knownOptions(name, options, SYNC_OPTIONS);
  if (!wait) {
    await commandMailbox(means, mailbox, signal);
    return { inSync: null };
  }
  await andWait(means, mailbox, waiting);
  return { inSync: (await viewOf(means, mailbox)).status?.inSync ?? null };
}
