import type { World } from './world.ts';

/**
 * Counts audits that found a difference which nothing explains. While a listing is doubted the store knowingly keeps
 * what it could not confirm, and the mailbox says so: an audit of such a mailbox is right to report it.
 */
export class Drifts {
  readonly #world: World;
  readonly #looks: Promise<boolean>[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** An audit has found a difference just now. */
  note(): void {
    this.#looks.push(this.#isUnexplained());
  }

  async count(): Promise<number> {
    return (await Promise.all(this.#looks)).filter(Boolean).length;
  }

  async #isUnexplained(): Promise<boolean> {
    const doubt = (await this.#world.stores.store.getMailbox(this.#world.mailbox))?.doubt ?? null;
    return doubt === null || doubt.uncounted + doubt.absent + doubt.relabelled === 0;
  }
}
