import { readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MessageId } from '../../../src/model/ids.ts';
import { Bodies, type KeptBody } from '../../../src/store/bodies/bodies.ts';
import { sweepBodies } from '../../../src/store/bodies/sweep-bodies.ts';
import { saveFetched } from '../../../src/store/fetching/fetching.ts';
import { openSqliteDatabase } from '../../../src/store/engines/sqlite-database.ts';
import type { SqliteStore } from '../../../src/store/sqlite-store.ts';
import type { StoreDatabase } from '../../../src/store/engines/store-database.ts';
import { deleted, reading, record, type TestMailbox } from '../../fixtures/store/tested-store.ts';
import { useFolder } from '../../fixtures/host/temporary-folder.ts';
import { alice, inFolder, objectsIn, openOutside } from '../../fixtures/store/outside-fixture.ts';

const NOW = 1_000_000;
const all = { now: NOW, grace: 0 };

describe('a sweep of bodies', () => {
  const folder = useFolder();
  let mailbox: TestMailbox & { readonly store: SqliteStore };
  let database: StoreDatabase;
  let bodies: Bodies;
  const place = () => join(folder(), 'bodies');
  beforeEach(async () => {
    const path = join(folder(), 'mirror.db');
    mailbox = await openOutside(path, inFolder(place()));
    database = await openSqliteDatabase(path, 'automatic');
    bodies = new Bodies(database, inFolder(place()));
  });
  afterEach(async () => {
    await mailbox.store.close();
    await database.close();
  });

  const bodyOf = async (id: string) => Buffer.from((await mailbox.message(id))?.body ?? []).toString();

  it('removes a body that a writer wrote but never named in a row', async () => {
    await bodies.keep([Buffer.from('never named')], NOW);
    expect(objectsIn(place())).toHaveLength(1);
    expect(await mailbox.store.sweepBodies(all)).toMatchObject({ removed: 1 });
    expect(objectsIn(place())).toEqual([]);
  });

  it('between writing and naming makes the writer write again', async () => {
    let swept = 0;
    const stalling = {
      discard: (kept: readonly KeptBody[]) => bodies.discard(kept),
      keep: async (contents: readonly Uint8Array[], now: number) => {
        const kept = await bodies.keep(contents, now);
        // As after a suspension of hours: what this writer wrote looks like garbage.
        if (swept < 2) swept += (await mailbox.store.sweepBodies(all)).removed;
        return kept;
      },
    };
    expect(
      await saveFetched(database, stalling, { mailbox: alice, messages: [reading('a')], format: 'full', now: NOW }),
    ).toMatchObject({ stored: 1 });
    expect(swept).toBe(2);
    expect(await bodyOf('a')).toBe('body of a');
    await mailbox.store.sweepBodies(all);
    expect(await bodyOf('a')).toBe('body of a');
    expect(objectsIn(place())).toHaveLength(1);
  });

  it('that was taken for dead, and removes late, does not touch what was written since', async () => {
    await bodies.keep([Buffer.from('body of a')], NOW);
    const removing = Promise.withResolvers<undefined>();
    const woken = Promise.withResolvers<undefined>();
    const late = sweepBodies(
      database,
      {
        known: () => bodies.places.known(),
        requirePlace: (address) => bodies.places.requirePlace(address),
        at: (address) => {
          const found = bodies.places.at(address);
          const remove = async (name: string): Promise<void> => {
            removing.resolve(undefined);
            await woken.promise;
            await found.store.remove(name);
          };
          return {
            ...found,
            store: {
              url: found.store.url,
              put: () => Promise.reject(new Error('no')),
              get: async () => null,
              remove,
              tidy: async () => undefined,
              close: async () => undefined,
            },
          };
        },
      },
      all,
    );
    await removing.promise;
    // The same bytes are written again while the older object of their hash is condemned, and another sweep removes it.
    await mailbox.save(reading('a'));
    await mailbox.store.sweepBodies({ now: NOW + 3_600_000, grace: 0 });
    woken.resolve(undefined);
    await late;
    expect(await bodyOf('a')).toBe('body of a');
    expect(objectsIn(place())).toHaveLength(1);
  });

  it('that was killed is finished by a later sweep', async () => {
    await bodies.keep([Buffer.from('never named')], NOW);
    const killed = {
      known: () => bodies.places.known(),
      requirePlace: async () => undefined,
      at: () => {
        throw new Error('killed');
      },
    };
    await expect(sweepBodies(database, killed, all)).rejects.toThrow('killed');
    expect(await mailbox.store.sweepBodies(all)).toMatchObject({ removed: 0 });
    expect(await mailbox.store.sweepBodies({ now: NOW + 600_000, grace: 0 })).toMatchObject({ removed: 1 });
    expect(objectsIn(place())).toEqual([]);
    expect(await database.read((db) => db.selectFrom('body_objects').selectAll().execute())).toEqual([]);
  });

  it('does not wait for a time to come that a wrong clock gave a body or a removal', async () => {
    const MONTH = 30 * 24 * 3_600_000;
    await bodies.keep([Buffer.from('never named')], NOW + MONTH);
    const hour = { now: NOW, grace: 3_600_000 };
    expect(await mailbox.store.sweepBodies(hour)).toMatchObject({ removed: 0 });
    const later = { ...hour, now: NOW + 3_600_000 };
    const killed = {
      known: () => bodies.places.known(),
      requirePlace: async () => undefined,
      at: () => {
        throw new Error('killed');
      },
    };
    await expect(sweepBodies(database, killed, later)).rejects.toThrow('killed');
    await database.write((tx) =>
      tx
        .updateTable('body_objects')
        .set({ condemned_at: NOW + MONTH })
        .execute(),
    );
    expect(await mailbox.store.sweepBodies(later)).toMatchObject({ removed: 0 });
    expect(await mailbox.store.sweepBodies({ ...later, now: later.now + 600_000 })).toMatchObject({ removed: 1 });
  });

  it('forgets nothing that it has to remove while a folder is not mounted, and removes it afterwards', async () => {
    await mailbox.save(reading('a'));
    const kept = objectsIn(place());
    await bodies.keep([Buffer.from('never named')], NOW);
    renameSync(place(), join(folder(), 'unmounted'));
    await expect(mailbox.store.sweepBodies(all)).rejects.toMatchObject({ failure: { kind: 'unavailable' } });
    await expect(mailbox.store.sweepBodies({ now: NOW + 600_000, grace: 0 })).rejects.toThrow('are not there');
    renameSync(join(folder(), 'unmounted'), place());
    expect(await mailbox.store.sweepBodies({ now: NOW + 1_200_000, grace: 0 })).toMatchObject({ removed: 1 });
    expect(objectsIn(place())).toEqual(kept);
  });

  it('sweeps a place although another place cannot be used', async () => {
    await mailbox.save(reading('a'));
    const [object = ''] = objectsIn(place());
    const second = await openOutside(join(folder(), 'mirror.db'), inFolder(join(folder(), 'second')));
    await second.save(reading('b'));
    // What was there is somebody else's now, and a link leads to it.
    renameSync(dirname(object), join(folder(), 'elsewhere'));
    symlinkSync(join(folder(), 'elsewhere'), dirname(object));
    await second.applyTwice([record(200, deleted('a'), deleted('b'))], { generation: 0, mark: null });
    await second.store.dropBuriedBodies({ now: second.now, grace: 0 });
    await expect(second.store.sweepBodies(all)).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining('holds a link') as string,
    });
    expect(objectsIn(join(folder(), 'second'))).toEqual([]);
    expect(readdirSync(join(folder(), 'elsewhere'))).toHaveLength(1);

    rmSync(dirname(object));
    renameSync(join(folder(), 'elsewhere'), dirname(object));
    expect(await second.store.sweepBodies({ now: NOW + 600_000, grace: 0 })).toMatchObject({ removed: 1 });
    expect(objectsIn(place())).toEqual([]);
    await second.store.close();
  });

  it(
    'leaves every body that a row names, and no other, whatever writers and other sweeps do meanwhile',
    { timeout: 60_000 },
    async () => {
      const step = fc.record({
        kind: fc.constantFrom('save', 'save', 'save', 'delete', 'sweep'),
        id: fc.integer({ min: 0, max: 5 }),
        body: fc.integer({ min: 0, max: 2 }),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 4 }),
          async (lanes) => {
            let clock = NOW;
            const others = await Promise.all(
              lanes.map(async () => openSqliteDatabase(join(folder(), 'mirror.db'), 'automatic')),
            );
            await Promise.all(
              lanes.map(async (steps, lane) => {
                const own = others[lane] ?? database;
                const writer = new Bodies(own, inFolder(place()));
                for (const { kind, id, body } of steps) {
                  const at = (clock += 1);
                  const mine = reading(`m${id}`, { at, body: `body ${body} ${at % 2}` });
                  if (kind === 'save')
                    await saveFetched(own, writer, { mailbox: alice, messages: [mine], format: 'full', now: at });
                  if (kind === 'delete') {
                    await mailbox.applyTwice([record(at, deleted(`m${id}`))], { generation: 0, mark: null });
                    await mailbox.store.dropBuriedBodies({ now: clock, grace: 0 });
                  }
                  if (kind === 'sweep') await sweepBodies(own, writer.places, { now: at, grace: 0 });
                }
              }),
            );
            const ids: MessageId[] = [];
            for await (const { id, body } of mailbox.store.streamMessages(alice)) {
              ids.push(id);
              expect(Buffer.from(body ?? []).toString()).toMatch(/^body \d \d$/);
            }
            await mailbox.store.sweepBodies({ now: clock + 3_600_000, grace: 0 });
            const named = await database.read((db) =>
              db.selectFrom('outside_bodies').select('object_key').distinct().execute(),
            );
            expect(objectsIn(place())).toHaveLength(named.length);
            expect(await database.read((db) => db.selectFrom('body_objects').selectAll().execute())).toHaveLength(
              named.length,
            );
            for (const other of others) await other.close();
          },
        ),
        { numRuns: 40 },
      );
    },
  );
});
