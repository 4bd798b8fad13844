import type { Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { MAILBOX_WORKFLOW } from '../workflows/definitions.ts';
import { ADDRESS_ATTRIBUTE } from '../workflows/search-attributes.ts';
import { mailboxOf } from './running.ts';

/** Ms between two queries, however many notifications come for addresses that are not known here. */
const REREAD = 60_000;
/** Ms for the query. The notification that asks must be acknowledged in time. */
const DEADLINE = 3_000;

/**
 * Finds running mailboxes by the address that Gmail has for their accounts now: after a rename at Google,
 * notifications name that one.
 *
 * The answer may be a minute old, and an unanswered query counts as "none": such a mailbox is polled as well, so
 * nothing is lost by that.
 */
export class PresentAddresses {
  readonly #temporal: Client;
  readonly #clock: Clock;
  #known: Promise<ReadonlyMap<string, MailboxId>> = Promise.resolve(new Map());
  #readAt: number | null = null;

  constructor({ temporal, clock }: { temporal: Client; clock: Clock }) {
    this.#temporal = temporal;
    this.#clock = clock;
  }

  /** @returns null when no running mailbox is known to have that address */
  async mailboxWith(address: MailboxId): Promise<MailboxId | null> {
    const now = this.#clock.now();
    if (this.#readAt === null || now - this.#readAt >= REREAD) {
      const before = this.#known;
      this.#readAt = now;
      this.#known = this.#read(now).catch(() => before);
    }
    return (await this.#known).get(address) ?? null;
  }

  /** @see https://docs.temporal.io/list-filter */
  async #read(now: number): Promise<ReadonlyMap<string, MailboxId>> {
    const found = new Map<string, MailboxId>();
    const running = `WorkflowType = '${MAILBOX_WORKFLOW}' AND ExecutionStatus = 'Running'`;
    const query = `${running} AND ${ADDRESS_ATTRIBUTE.name} IS NOT NULL`;
    await this.#temporal.connection.withDeadline(now + DEADLINE, async () => {
      for await (const { workflowId, typedSearchAttributes } of this.#temporal.workflow.list({ query })) {
        const mailbox = mailboxOf(workflowId);
        const address = typedSearchAttributes.get(ADDRESS_ATTRIBUTE);
        if (mailbox !== null && address !== undefined) found.set(address, mailbox);
      }
    });
    return found;
  }
}
