/** The sum of the amounts added during the last `windowMs`, and its maximum so far. */
export class RollingSum {
  readonly #windowMs: number;
  #entries: { at: number; amount: number }[] = [];
  #first = 0;
  #sum = 0;
  #peak = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get peak(): number {
    return this.#peak;
  }

  at(now: number): number {
    for (
      let entry = this.#entries[this.#first];
      entry !== undefined && entry.at <= now - this.#windowMs;
      entry = this.#entries[this.#first]
    ) {
      this.#sum -= entry.amount;
      this.#first += 1;
    }
    if (this.#first > 1_000 && this.#first > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return this.#sum;
  }

  add(now: number, amount: number): void {
    const sum = this.at(now) + amount;
    const last = this.#entries.length > this.#first ? this.#entries.at(-1) : undefined;
    if (last?.at === now) last.amount += amount;
    else this.#entries.push({ at: now, amount });
    this.#sum = sum;
    this.#peak = Math.max(this.#peak, sum);
  }
}
