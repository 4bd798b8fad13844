import type { Clock } from '../model/clock.ts';
import type { EncryptedRecord } from './credential-store.ts';
import { open, seal, type SecretKey } from './secret-box.ts';
import type { SecretOwner } from './secret-owner.ts';

type Keys = readonly [current: SecretKey, ...former: SecretKey[]];

/**
 * After the keys were read, unknown keys do not cause another read for this many milliseconds: thousands of mailboxes
 * may have records with an unknown key.
 */
const REREAD_PAUSE = 10_000;

/**
 * The available keys. The current key encrypts; every key decrypts.
 *
 * Keys change while a process runs. A record with an unknown key causes the source to be read again, so a rotation
 * through a file or a command needs no restart. Each encryption reads the current key first, so a long-lived process
 * never encrypts with a former key.
 */
export class SecretKeys {
  readonly #read: () => Promise<Keys>;
  readonly #clock: Clock;
  #keys: Keys;
  #reading: Promise<void> | null = null;
  #readAt = Number.NEGATIVE_INFINITY;

  private constructor(read: () => Promise<Keys>, clock: Clock, keys: Keys) {
    this.#read = read;
    this.#clock = clock;
    this.#keys = keys;
  }

  /** @throws {SecretKeyError} when the keys cannot be read */
  static async load({ read, clock }: { read: () => Promise<Keys>; clock: Clock }): Promise<SecretKeys> {
    return new SecretKeys(read, clock, await read());
  }

  /** The key that encrypts, as last read. */
  get current(): SecretKey {
    return this.#keys[0];
  }

  /** @returns null when no key has this fingerprint */
  async keyOf(id: string): Promise<SecretKey | null> {
    // When the source cannot be read now, the known keys stay in use.
    if (this.#find(id) === undefined && (this.#reading !== null || this.#clock.now() - this.#readAt >= REREAD_PAUSE))
      await this.#reread().catch(() => undefined);
    return this.#find(id) ?? null;
  }

  /** @throws {SecretKeyError} when the keys cannot be read */
  async seal(owner: SecretOwner, text: string): Promise<Pick<EncryptedRecord, 'keyId' | 'ciphertext'>> {
    await this.#reread();
    return seal(this.current, owner, text);
  }

  /** @throws {SecretKeyError} when none of the keys decrypts the record */
  async open(owner: SecretOwner, record: Pick<EncryptedRecord, 'keyId' | 'ciphertext'>): Promise<string> {
    return open((await this.keyOf(record.keyId)) ?? this.current, owner, record);
  }

  #find(id: string): SecretKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  /** Concurrent callers share one read of the source, because a command may be slow. */
  #reread(): Promise<void> {
    this.#reading ??= this.#read()
      .then((keys) => {
        this.#keys = keys;
      })
      .finally(() => {
        this.#reading = null;
        this.#readAt = this.#clock.now();
      });
    return this.#reading;
  }
}
