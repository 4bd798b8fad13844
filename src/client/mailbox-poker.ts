import { Connection, type Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import { twinOf } from '../model/address.ts';
import type { HistoryId, MailboxId } from '../model/ids.ts';
import { poke, workflowIdOf } from '../workflows/definitions.ts';
import { MailboxNotRunningError } from './errors.ts';
import { PresentAddresses } from './present-addresses.ts';
import { createRpc, type Rpc } from './rpc.ts';

/** Below Pub/Sub's default deadline for an acknowledgement, which is 10 s. */
const DEADLINE = 8_000;
const READY_DEADLINE = 2_000;

/** Signals mailboxes for a receiver of notifications, which needs Temporal and no database. */
export class MailboxPoker {
  readonly #temporal: Client;
  readonly #rpc: Rpc;
  readonly #present: PresentAddresses;

  constructor({ temporal, clock }: { temporal: Client; clock: Clock }) {
    this.#temporal = temporal;
    const address =
      temporal.connection instanceof Connection ? temporal.connection.options.address : 'the given connection';
    this.#rpc = createRpc({ temporal, address, clock });
    this.#present = new PresentAddresses({ temporal, rpc: this.#rpc, clock });
  }

  /**
   * Tells a mailbox's workflow that Gmail has changes. Resolves once Temporal has accepted the signal. It never starts
   * a workflow: permission to publish to a topic must not include starting mailboxes.
   *
   * @param historyId - the historyId in Gmail's notification; null when it is unknown
   * @throws {MailboxNotRunningError} when no workflow runs
   */
  async poke(mailbox: MailboxId, historyId: HistoryId | null): Promise<void> {
    let notRunning: MailboxNotRunningError | null = null;
    for await (const candidate of this.#candidates(mailbox)) {
      try {
        return await this.#signal(candidate, historyId);
      } catch (error) {
        if (!(error instanceof MailboxNotRunningError)) throw error;
        notRunning ??= error;
      }
    }
    if (notRunning !== null) throw notRunning;
  }

  /**
   * The mailboxes that a notification may be for: gmail.com and googlemail.com are one domain, and an account may have
   * been renamed at Google.
   */
  async *#candidates(named: MailboxId): AsyncGenerator<MailboxId> {
    const twin = twinOf(named);
    const names = twin === null ? [named] : [named, twin];
    yield* names;
    for (const name of names) {
      const renamed = await this.#present.mailboxWith(name);
      if (renamed !== null) yield renamed;
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
