/**
 * How many mailboxes of a worker deliver for one subscription at a time, so that a slow target leaves slots to others.
 */
export const SLOTS_PER_SUBSCRIPTION = 50;
/** Ms after which a turn is over though its attempt is not: a slow target must not hold up other suspects. */
const LONGEST_TURN = 60_000;

/** Counts the attempts that a worker makes for each subscription. */
export class DeliverySlots {
  readonly #taken = new Map<string, number>();
  #turn: { readonly since: number } | null = null;

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
   * Suspects are deliveries of which an attempt did not end. They take turns, because a delivery that ends its worker
   * ends the attempts beside it as well. Without turns, innocent deliveries would be suspected again and again.
   *
   * @param now - epoch ms
   * @returns a function that ends the turn; null while another suspect has it
   */
  takeTurn(now: number): (() => void) | null {
    if (this.#turn !== null && now - this.#turn.since < LONGEST_TURN) return null;
    const turn = { since: now };
    this.#turn = turn;
    return () => {
      if (this.#turn === turn) this.#turn = null;
    };
  }
}
