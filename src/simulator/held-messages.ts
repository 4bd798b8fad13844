import { DateOrder } from './date-order.ts';
import type { Lag } from './lag.ts';
import type { Place, SimulatedMessage, Version } from './simulated-message.ts';

/** A message, and the version of it that a reader sees. */
export interface SeenMessage {
  readonly message: SimulatedMessage;
  readonly version: Version;
}

/** The messages of a mailbox by id, by thread and by date, and what the listing index shows of them. */
export class HeldMessages {
  /** Includes deleted messages, because an administrator can restore them. */
  readonly #byId = new Map<string, SimulatedMessage>();
  readonly #byThread = new Map<string, SimulatedMessage[]>();
  readonly #order = new DateOrder();
  /** The number of existing messages by thread; only threads that have some. */
  readonly #living = new Map<string, number>();
  #messagesTotal = 0;
  /** Deleted messages that may still be listed. */
  readonly #ghosts = new Set<SimulatedMessage>();

  /** Messages and threads that exist. */
  get totals(): { messages: number; threads: number } {
    return { messages: this.#messagesTotal, threads: this.#living.size };
  }

  /** A message, deleted or not. */
  get(id: string): SimulatedMessage | undefined {
    return this.#byId.get(id);
  }

  add(message: SimulatedMessage): void {
    this.#byId.set(message.id, message);
    this.#order.add(message);
    const thread = this.#byThread.get(message.threadId);
    if (thread === undefined) this.#byThread.set(message.threadId, [message]);
    else thread.push(message);
    this.#count(message.threadId, 1);
  }

  /** Gives a message its next version. A deleted message stays in the listing index while the index lags. */
  change(message: SimulatedMessage, next: Version, lag: Lag): void {
    if (next.exists !== message.current.exists) this.#count(message.threadId, next.exists ? 1 : -1);
    message.change(next, lag.listMs > 0 || lag.getMs > 0);
    if (next.exists) return;
    if (lag.listMs > 0) this.#ghosts.add(message);
    else this.#order.remove(message);
  }

  /** Puts a deleted message back into the listing index. The caller then gives it a version in which it exists. */
  relist(message: SimulatedMessage): void {
    if (this.#ghosts.delete(message)) this.#order.remove(message);
    this.#order.add(message);
  }

  /** The messages that exist among these ids, each once. */
  known(ids: readonly string[]): SimulatedMessage[] {
    return [...new Set(ids)].flatMap((id) => {
      const message = this.#byId.get(id);
      return message?.current.exists === true ? [message] : [];
    });
  }

  /** Messages that exist and carry the label, in the order of arrival. */
  carrying(labelId: string): SimulatedMessage[] {
    return [...this.#byId.values()].filter(
      (message) => message.current.exists && message.current.labelIds.includes(labelId),
    );
  }

  /** The messages of a thread, deleted ones included, in the order of arrival. */
  thread(threadId: string): readonly SimulatedMessage[] {
    return this.#byThread.get(threadId) ?? [];
  }

  /** Every message that exists, newest first. */
  *all(): Generator<SimulatedMessage> {
    for (const message of this.#order.newestFirst()) if (message.current.exists) yield message;
  }

  /** What the listing index shows at `now`, newest first. */
  *listed(now: number, lag: Lag, after?: Place): Generator<SeenMessage> {
    this.#layGhosts(now, lag);
    for (const message of this.#order.newestFirst(after)) {
      const version = message.seenBy('list', now, lag.listMs);
      if (version?.exists === true) yield { message, version };
    }
  }

  #layGhosts(now: number, lag: Lag): void {
    for (const message of this.#ghosts) {
      if (message.seenBy('list', now, lag.listMs) !== message.current) continue;
      this.#ghosts.delete(message);
      this.#order.remove(message);
    }
  }

  #count(threadId: string, change: 1 | -1): void {
    this.#messagesTotal += change;
    const living = (this.#living.get(threadId) ?? 0) + change;
    if (living === 0) this.#living.delete(threadId);
    else this.#living.set(threadId, living);
  }
}
