import type { Clock } from '../model/clock.ts';
import type { MailboxId } from '../model/ids.ts';
import type { EncryptedRecord } from './credential-store.ts';
import { open, seal, type SecretKey } from './secret-box.ts';

type Keys = readonly [current: SecretKey, ...former: SecretKey[]];

/**
 * How long a record of an unknown key does not make the keys be read again: thousands of mailboxes may hold such
 * records.
 */
const REREAD_PAUSE = 10_000;

/**
 * The keys at hand: the current one encrypts, each of them decrypts.
 *
 * Keys change while a process runs. A record of an unknown key makes the source be read again, so a rotation by a file
 * or a command needs no restart; and each encryption takes the key that is current then, so a long-lived process never
 * goes back to a former one.
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
    // When the source does not answer now, the keys that are known stay.
    if (this.#find(id) === undefined && (this.#reading !== null || this.#clock.now() - this.#readAt >= REREAD_PAUSE)) await this.#reread().catch(() => undefined);
    return this.#find(id) ?? null;
  }

  /** @throws {SecretKeyError} when the keys cannot be read */
  async seal(mailbox: MailboxId, text: string): Promise<Pick<EncryptedRecord, 'keyId' | 'ciphertext'>> {
    await this.#reread();
    return seal(this.current, mailbox, text);
  }

  /** @throws {SecretKeyError} when none of the keys decrypts the record */
  async open(mailbox: MailboxId, record: Pick<EncryptedRecord, 'keyId' | 'ciphertext'>): Promise<string> {
    return open((await this.keyOf(record.keyId)) ?? this.current, mailbox, record);
  }

  #find(id: string): SecretKey | undefined {
    return this.#keys.find((key) => key.id === id);
  }

  /** Many who find a key missing at once share one reading: a command may be slow. */
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
