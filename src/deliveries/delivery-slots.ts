/**
 * How many mailboxes of a worker deliver for one subscription at a time, so that a slow target leaves slots to others.
 */
export const SLOTS_PER_SUBSCRIPTION = 50;

/** Counts the attempts that a worker makes for each subscription. */
export class DeliverySlots {
  readonly #taken = new Map<string, number>();

  /** @returns gives the slot back; null when all are taken */
  take(subscription: string): (() => void) | null {
    const taken = this.#taken.get(subscription) ?? 0;
    if (taken >= SLOTS_PER_SUBSCRIPTION) return null;
    this.#taken.set(subscription, taken + 1);
    return () => {
      this.#taken.set(subscription, (this.#taken.get(subscription) ?? 1) - 1);
    };
  }
}
