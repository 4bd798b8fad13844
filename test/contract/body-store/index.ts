import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BodyStore } from '../../../src/store/bodies/body-store.ts';

/** A place that the contract is tested on. */
export interface BodyStoreFixture {
  readonly name: string;
  /** Opens a new, empty place. */
  readonly open: () => Promise<BodyStore>;
}

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const text = (found: Uint8Array | null): string | null => (found === null ? null : Buffer.from(found).toString());

/** What every place of bodies must do: see the TSDoc of BodyStore. */
export function bodyStoreContract({ name, open }: BodyStoreFixture): void {
  describe(`bodies in ${name}`, () => {
    let store: BodyStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it('come back byte for byte', async () => {
      const all = Uint8Array.from({ length: 100_000 }, (_, index) => (index * index) % 256);
      await store.put('a1/b2/object', all);
      const found = await store.get('a1/b2/object');
      expect(Buffer.from(found ?? []).equals(all)).toBe(true);
    });

    it('may be empty, or large', async () => {
      await store.put('empty', new Uint8Array());
      expect(await store.get('empty')).toHaveLength(0);
      await store.put('large', new Uint8Array(20_000_000).fill(7));
      expect(await store.get('large')).toHaveLength(20_000_000);
    });

    it('are null when they are not there', async () => {
      expect(await store.get('a1/nothing')).toBeNull();
    });

    it('can be written again, and by several writers at once', async () => {
      await Promise.all(Array.from({ length: 10 }, () => store.put('a1/same', bytes('same'))));
      await store.put('a1/same', bytes('same'));
      expect(text(await store.get('a1/same'))).toBe('same');
    });

    it('replace damaged bytes under the same name', async () => {
      await store.put('a1/object', bytes('dama'));
      await store.put('a1/object', bytes('whole'));
      expect(text(await store.get('a1/object'))).toBe('whole');
    });

    it('are removed, and removing them again is no error', async () => {
      await store.put('a1/object', bytes('x'));
      await store.put('a1/other', bytes('y'));
      await store.remove('a1/object');
      await store.remove('a1/object');
      await store.remove('never/there');
      expect(await store.get('a1/object')).toBeNull();
      expect(text(await store.get('a1/other'))).toBe('y');
    });

    it('survive a tidy that runs while they are written', async () => {
      const writing = store.put('a1/object', new Uint8Array(1_000_000).fill(1));
      await store.tidy(0);
      await writing;
      expect(await store.get('a1/object')).toHaveLength(1_000_000);
    });
  });
}
