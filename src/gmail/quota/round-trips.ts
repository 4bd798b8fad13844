/** How many of the last round trips count. */
const KEPT = 32;

/** How long the last calls took, from their permit to their answer (ms). */
export class RoundTrips {
  #last: number[] = [];

  add(milliseconds: number): void {
    this.#last = [...this.#last, milliseconds].slice(-KEPT);
  }

  /** By how much the slowest of them took longer than the quickest; 0 before the second. */
  get spread(): number {
    return this.#last.length === 0 ? 0 : Math.max(...this.#last) - Math.min(...this.#last);
  }
}
