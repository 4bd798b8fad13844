import type { MailboxId } from '../src/model/ids.ts';
import type { PlacedChange } from './noted-changes.ts';

/** A delivery of one change, as its target noted it. */
export interface NotedDelivery extends PlacedChange {
  readonly subscription: string;
  readonly id: string;
}

/** Compares what targets got with what they asked for: every change once, in the order of its mailbox. */
export class DeliveryBook {
  /** Deliveries, each counted once. */
  deliveries = 0;
  /** Deliveries that came again with the same id. */
  repeated = 0;
  /** Sentences about changes that came after a later one, or again with another id. */
  readonly reordered: string[] = [];
  readonly #ids = new Map<string, Map<number, string>>();

  constructor(noted: Iterable<NotedDelivery>) {
    for (const delivery of noted) this.#note(delivery);
  }

  /** The changes up to the newest that were never delivered. */
  lost(subscription: string, mailbox: MailboxId, newest: number): readonly number[] {
    const ids = this.#of(subscription, mailbox);
    return Array.from({ length: newest }, (_, index) => index + 1).filter((sequence) => !ids.has(sequence));
  }

  #note({ subscription, mailbox, sequence, id }: NotedDelivery): void {
    const ids = this.#of(subscription, mailbox);
    const before = ids.get(sequence);
    if (before === id) {
      this.repeated += 1;
      return;
    }
    this.deliveries += 1;
    const place = `${subscription}: change ${sequence} of ${mailbox}`;
    if (before !== undefined) this.reordered.push(`${place} came as ${before} and again as ${id}`);
    else if (sequence <= ids.size) this.reordered.push(`${place} came after a later one`);
    ids.set(sequence, id);
  }

  #of(subscription: string, mailbox: MailboxId): Map<number, string> {
    const key = `${subscription} ${mailbox}`;
    const ids = this.#ids.get(key) ?? new Map<number, string>();
    this.#ids.set(key, ids);
    return ids;
  }
}
