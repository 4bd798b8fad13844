import { Connection, type Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import { twinOf } from '../model/address.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import { poke, workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import { createRpc, type Rpc } from './rpc.ts';

/** Below Pub/Sub's default deadline for an acknowledgement, which is 10 s. */
const DEADLINE = 8_000;
const READY_DEADLINE = 2_000;

/** Signals mailboxes for a receiver of notifications, which needs Temporal and no database. */
export class MailboxPoker {
  readonly #temporal: Client;
  readonly #rpc: Rpc;

  constructor({ temporal, clock }: { temporal: Client; clock: Clock }) {
    this.#temporal = temporal;
    const address =
      temporal.connection instanceof Connection ? temporal.connection.options.address : 'the given connection';
    this.#rpc = createRpc({ temporal, address, clock });
  }

  /**
   * Tells a mailbox's workflow that Gmail has changes. Resolves once Temporal has accepted the signal. It never starts
   * a workflow: permission to publish to a topic must not include starting mailboxes.
   *
   * @param historyId - the historyId in Gmail's notification; null when it is unknown
   * @throws {MailboxNotRunningError} when no workflow runs
   */
  async poke(mailbox: MailboxId, historyId: HistoryId | null): Promise<void> {
    try {
      await this.#signal(mailbox, historyId);
    } catch (error) {
      // gmail.com and googlemail.com are the same domain: the mailbox may run under the other name.
      const twin = twinOf(mailbox);
      if (twin === null || !(error instanceof MailboxNotRunningError)) throw error;
      await this.#signal(twin, historyId);
    }
  }

  async #signal(mailbox: MailboxId, historyId: HistoryId | null): Promise<void> {
    const handle = this.#temporal.workflow.getHandle(workflowIdOf(mailbox));
    await this.#rpc({ mailbox, deadline: DEADLINE }, () => handle.signal(poke, { historyId }));
  }

  /** @throws {TidemarkError} when Temporal does not answer, or has no such namespace */
  async assertReachable(): Promise<void> {
    const { namespace } = this.#temporal.options;
    await this.#rpc({ deadline: READY_DEADLINE }, () =>
      this.#temporal.workflowService.describeNamespace({ namespace }),
    );
  }
}
