/**
 * How many mailboxes of a worker deliver for one subscription at a time, so that a slow target leaves slots to others.
 */
export const SLOTS_PER_SUBSCRIPTION = 50;
/** Ms after which the lone slot is free though its attempt goes on: a slow target must not hold up the others. */
const LONGEST_LONE_SLOT = 60_000;

/** Counts the attempts that a worker makes for each subscription. */
export class DeliverySlots {
  readonly #taken = new Map<string, number>();
  #lone: { readonly since: number } | null = null;

  /** @returns a function that gives the slot back; null when all are taken */
  take(subscription: string): (() => void) | null {
    const taken = this.#taken.get(subscription) ?? 0;
    if (taken >= SLOTS_PER_SUBSCRIPTION) return null;
    this.#taken.set(subscription, taken + 1);
    return () => {
      this.#taken.set(subscription, (this.#taken.get(subscription) ?? 1) - 1);
    };
  }

  /**
   * The slot of unended deliveries: those of which an attempt did not end. A worker attempts one of them at a time,
   * because a delivery that ends its worker ends the attempts beside it as well. Without this slot, innocent deliveries
   * would become unended again and again.
   *
   * @param now - epoch ms
   * @returns a function that gives the slot back; null while another unended delivery has it
   */
  takeLoneSlot(now: number): (() => void) | null {
    if (this.#lone !== null && now - this.#lone.since < LONGEST_LONE_SLOT) return null;
    const lone = { since: now };
    this.#lone = lone;
    return () => {
      if (this.#lone === lone) this.#lone = null;
    };
  }
}
