import type { Clock } from '../../src/model/clock.ts';
import type { BodyStore } from '../../src/store/bodies/body-store.ts';

/**
 * A place of bodies in this process. Writing and removing take time, so that anything else can happen in between.
 */
export class MemoryBodies implements BodyStore {
  readonly url = 'memory:';
  readonly objects = new Map<string, Uint8Array>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#clock.sleep(this.#clock.random() * 200);
    this.objects.set(name, bytes);
    await this.#clock.sleep(this.#clock.random() * 200);
  }

  async get(name: string): Promise<Uint8Array | null> {
    return this.objects.get(name) ?? null;
  }

  async remove(name: string): Promise<void> {
    await this.#clock.sleep(this.#clock.random() * 1_000);
    this.objects.delete(name);
  }

  async tidy(): Promise<void> {
    // No body is ever half written.
  }

  async close(): Promise<void> {
    // The place ends with its schedule.
  }

  /** The names of the bodies, without the place's identity file. */
  names(): readonly string[] {
    return [...this.objects.keys()].filter((name) => /[0-9a-f]{64}-[0-9a-f]{12}$/.test(name));
  }
}
