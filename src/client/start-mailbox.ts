import { Connection, type Client } from '@temporalio/client';
import { WorkflowIdReusePolicy } from '@temporalio/common';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { MailboxSettings } from '../model/settings.ts';
import type { SettingsChange } from '../model/settings-change.ts';
import type { StoreMark } from '../model/store-identity.ts';
import {
  configure,
  MAILBOX_WORKFLOW,
  poke,
  SIGNALS_SENTENCE,
  workflowIdOf,
  type MailboxInput,
  TASK_TIMEOUT,
} from '../workflows/definitions.ts';
import type { Phase } from '../workflows/phase.ts';
import { PHASE_ATTRIBUTE } from '../workflows/search-attributes.ts';
import { TemporalFailureError } from './errors.ts';
import { GRPC_STATUS, grpcCodeOf } from './grpc-error.ts';
import type { Rpc } from './rpc.ts';
import { registerSearchAttributes } from './register-search-attributes.ts';

export interface StartRequest {
  readonly temporal: Client;
  readonly rpc: Rpc;
  readonly clock: Clock;
  readonly taskQueue: string;
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  /** The database that holds the mailbox. */
  readonly store: StoreMark;
  /** The settings that differ from before. */
  readonly change: SettingsChange;
  /** True signals the settings as well: a workflow that runs already does not get the settings of the start. */
  readonly configure: boolean;
  /** The state with which a renamed mailbox's new workflow begins. */
  readonly carried?: MailboxInput['carried'];
}

const FIRST_PHASE: Phase = 'full-sync';
const STATIC_DETAILS = `Mirrors this Gmail mailbox into the store. ${SIGNALS_SENTENCE}`;
const ATTEMPTS = 10;
const PAUSE = 500;

/**
 * Starts a mailbox's workflow or wakes the one that runs, by one atomic call (signal-with-start). When two callers come
 * at once, one starts the workflow and the other wakes it. When the workflow is just ending, a new one follows it,
 * because the server decides under its own lock whether it still runs.
 */
export async function startOrWake(request: StartRequest): Promise<void> {
  const { temporal, rpc, mailbox, change } = request;
  await withSearchAttributes(request, () => rpc({ mailbox }, () => signalWithStart(request)));
  if (request.configure)
    await rpc({ mailbox }, () => temporal.workflow.getHandle(workflowIdOf(mailbox)).signal(configure, change));
}

async function signalWithStart({
  temporal,
  taskQueue,
  mailbox,
  settings,
  store,
  carried,
}: StartRequest): Promise<void> {
  const { id, place } = store;
  const input: MailboxInput = { mailbox, settings, store: { id, place }, carried: carried ?? null };
  await temporal.workflow.signalWithStart(MAILBOX_WORKFLOW, {
    workflowId: workflowIdOf(mailbox),
    taskQueue,
    args: [input],
    workflowTaskTimeout: TASK_TIMEOUT,
    signal: poke,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: [{ key: PHASE_ATTRIBUTE, value: FIRST_PHASE }],
    staticSummary: mailbox,
    staticDetails: STATIC_DETAILS,
  });
}

/**
 * The first start in a namespace may come before the server knows the attributes: registers them, and tries again a
 * little later.
 */
async function withSearchAttributes({ temporal, rpc, clock }: StartRequest, start: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      const { connection } = temporal;
      if (!isInvalidArgument(error) || !(connection instanceof Connection) || attempt === ATTEMPTS) throw error;
      await rpc({ deadline: 30_000 }, () =>
        registerSearchAttributes({ connection, namespace: temporal.options.namespace, clock }),
      );
    }
    await clock.sleep(PAUSE);
  }
}

function isInvalidArgument(error: unknown): boolean {
  return error instanceof TemporalFailureError && grpcCodeOf(error) === GRPC_STATUS.invalidArgument;
}
