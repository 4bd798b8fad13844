import type { Client } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import { ADDRESS_ATTRIBUTE } from '../workflows/search-attributes.ts';
import type { Rpc } from './rpc.ts';
import { mailboxOf, RUNNING_MAILBOXES } from './running.ts';
import { withoutMemos } from './without-memos.ts';

/** Ms between two queries, however many notifications come for addresses that are not known here. */
const REREAD = 60_000;
/** Ms for the query. The notification that asks must be acknowledged in time. */
const DEADLINE = 3_000;

/**
 * Finds running mailboxes by the address that Gmail has for their accounts now: after a rename at Google, notifications
 * name that address.
 *
 * The answer may be a minute old, and an unanswered query counts as "no mailbox". Nothing is lost by that, because a
 * renamed mailbox is also polled.
 */
export class PresentAddresses {
  readonly #temporal: Client;
  readonly #rpc: Rpc;
  readonly #clock: Clock;
  #known: Promise<ReadonlyMap<string, MailboxId>> = Promise.resolve(new Map());
  #readAt: number | null = null;

  constructor({ temporal, rpc, clock }: { temporal: Client; rpc: Rpc; clock: Clock }) {
    this.#temporal = temporal;
    this.#rpc = rpc;
    this.#clock = clock;
  }

  /** @returns null when no running mailbox is known to have that address */
  async mailboxWith(address: MailboxId): Promise<MailboxId | null> {
    const now = this.#clock.now();
    if (this.#readAt === null || now - this.#readAt >= REREAD) {
      const before = this.#known;
      this.#readAt = now;
      this.#known = this.#rpc({ deadline: DEADLINE }, () => renamedMailboxes(this.#temporal)).catch(() => before);
    }
    return (await this.#known).get(address) ?? null;
  }
}

/** The mailboxes whose accounts have another address now, by that address. */
async function renamedMailboxes(temporal: Client): Promise<ReadonlyMap<string, MailboxId>> {
  const found = new Map<string, MailboxId>();
  const query = `${RUNNING_MAILBOXES} AND ${ADDRESS_ATTRIBUTE.name} IS NOT NULL`;
  for await (const { workflowId, typedSearchAttributes } of withoutMemos(temporal).list({ query })) {
    const mailbox = mailboxOf(workflowId);
    const address = typedSearchAttributes.get(ADDRESS_ATTRIBUTE);
    if (mailbox !== null && address !== undefined) found.set(address, mailbox);
  }
  return found;
}
