import { afterEach, describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import type { CredentialStore } from '../../src/secrets/credential-store.ts';

const alice = mailboxId('alice@example.com');
const bob = mailboxId('bob@example.com');
const record = (text: string) => ({ keyId: 'k1', ciphertext: Buffer.from(text), version: 0 });

/** A database that the contract is tested on. */
export interface CredentialFixture {
  readonly name: string;
  /** Opens a new, empty store. `close` closes it and everything that belongs to it. */
  open(): Promise<{ readonly credentials: CredentialStore; close(): Promise<void> }>;
}

/** What every database must do: see the TSDoc of CredentialStore. */
export function credentialStoreContract(fixture: CredentialFixture): void {
  describe(`a credential store in ${fixture.name}`, () => {
    const opened: { close(): Promise<void> }[] = [];
    afterEach(async () => {
      for (const each of opened.splice(0)) await each.close();
    });

    async function open(): Promise<CredentialStore> {
      const store = await fixture.open();
      opened.push(store);
      return store.credentials;
    }

    it('keeps one record per mailbox', async () => {
      const credentials = await open();
      expect(await credentials.get(alice)).toBeNull();
      await credentials.put(alice, record('first'));
      await credentials.put(bob, record('of bob'));
      await credentials.put(alice, { ...record('second'), keyId: 'k2' });
      const held = await credentials.get(alice);
      expect(held?.keyId).toBe('k2');
      expect(Buffer.from(held?.ciphertext ?? []).toString()).toBe('second');
      await credentials.delete(alice);
      expect(await credentials.get(alice)).toBeNull();
      expect(Buffer.from((await credentials.get(bob))?.ciphertext ?? []).toString()).toBe('of bob');
    });

    it('goes on counting versions after a deletion', async () => {
      const credentials = await open();
      const version = async () => {
        await credentials.put(alice, record('x'));
        return (await credentials.get(alice))?.version;
      };
      expect([await version(), await version()]).toEqual([1, 2]);
      await credentials.delete(alice);
      expect(await version()).toBe(3);
    });

    it('reseals a record only if it has not changed since it was read, and keeps its version', async () => {
      const credentials = await open();
      await credentials.put(alice, record('x'));
      await credentials.put(bob, record('y'));
      const before = await credentials.get(alice);
      if (before === null) throw new Error('nothing stored');
      expect(await credentials.listSealedByOthers('k2')).toEqual([alice, bob]);
      expect(await credentials.reseal(alice, before, { keyId: 'k2', ciphertext: Buffer.from('z') })).toBe(true);
      expect(await credentials.get(alice)).toMatchObject({ keyId: 'k2', version: 1 });
      expect(await credentials.listSealedByOthers('k2')).toEqual([bob]);
      // Resealed by somebody else, put again, deleted: each is a change.
      expect(await credentials.reseal(alice, before, { keyId: 'k3', ciphertext: Buffer.from('w') })).toBe(false);
      await credentials.put(alice, record('new'));
      expect(await credentials.reseal(alice, before, { keyId: 'k3', ciphertext: Buffer.from('w') })).toBe(false);
      await credentials.delete(bob);
      expect(
        await credentials.reseal(bob, { ...record('y'), version: 1 }, { keyId: 'k3', ciphertext: Buffer.from('w') }),
      ).toBe(false);
      expect(await credentials.listSealedByOthers('k2')).toEqual([alice]);
    });

    it('lists the mailboxes that have credentials, by address', async () => {
      const credentials = await open();
      await credentials.put(bob, record('y'));
      await credentials.put(alice, record('x'));
      expect(await credentials.list()).toEqual([alice, bob]);
      await credentials.delete(alice);
      expect(await credentials.list()).toEqual([bob]);
    });

    it('counts each of ten puts that come at once', async () => {
      const credentials = await open();
      await Promise.all(Array.from({ length: 10 }, (_, index) => credentials.put(alice, record(String(index)))));
      expect((await credentials.get(alice))?.version).toBe(10);
    });
  });
}
