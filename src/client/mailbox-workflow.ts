import type { Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { continues } from '../model/store-identity.ts';
import * as definitions from '../workflows/definitions.ts';
import { MailboxNotRunningError, OtherDatabaseError } from './errors.ts';
import type { ClientStore, RunningView } from './mailbox-report.ts';
import type { Rpc } from './rpc.ts';
import { runningView } from './running.ts';
import type { WaitMeans } from './waiting.ts';

/** What commands to mailboxes work with. */
export interface ClientMeans {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly store: ClientStore;
  readonly clock: Clock;
}

/** @throws {OtherDatabaseError} when the workflow says that another database holds the mailbox */
export async function viewOf({ temporal, rpc, store }: ClientMeans, mailbox: MailboxId): Promise<RunningView> {
  const view = await runningView({ temporal, rpc, mailbox });
  const known = view.status?.store ?? null;
  if (known !== null && !continues(await store.identity(), known)) throw new OtherDatabaseError(mailbox);
  return view;
}

/**
 * Signals a mailbox, if this database holds it. That is checked first, so that a refused command has done nothing.
 *
 * @throws {MailboxNotRunningError} when no workflow runs
 * @throws {OtherDatabaseError} when the workflow says that another database holds the mailbox
 */
export async function commandMailbox(
  means: ClientMeans,
  mailbox: MailboxId,
  signal: SignalDefinition | typeof definitions.poke,
): Promise<void> {
  await viewOf(means, mailbox);
  await signalMailbox(means, mailbox, signal);
}

/** @throws {MailboxNotRunningError} when no workflow runs */
export async function signalMailbox(
  { temporal, rpc }: ClientMeans,
  mailbox: MailboxId,
  signal: SignalDefinition | typeof definitions.poke,
): Promise<void> {
  const handle = temporal.workflow.getHandle(definitions.workflowIdOf(mailbox));
  await rpc({ mailbox }, () => handle.signal(signal));
}

/** Signals that the mailbox can be read again. @returns false when no workflow runs */
export async function reconnectMailbox(means: ClientMeans, mailbox: MailboxId): Promise<boolean> {
  try {
    await commandMailbox(means, mailbox, definitions.reconnect);
    return true;
  } catch (error) {
    if (error instanceof MailboxNotRunningError) return false;
    throw error;
  }
}

/** What a wait for a mailbox needs. */
export function waitingWith(means: ClientMeans): WaitMeans {
  return { ...means, isAnswered: async (mailbox) => (await viewOf(means, mailbox)).status !== null };
}
