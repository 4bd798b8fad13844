import { fork } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { LostBody } from '../../../src/model/lost-body.ts';
import { BODIES_INSIDE } from '../../../src/store/bodies/open-body-store.ts';
import { deleted, reading, record, type TestMailbox } from '../../fixtures/store/tested-store.ts';
import { useFolder } from '../../fixtures/host/temporary-folder.ts';
import { inFolder, objectsIn, openOutside } from '../../fixtures/store/outside-fixture.ts';

const WRITER = fileURLToPath(new URL('outside-writer.ts', import.meta.url));
const SOON = 5_000_000;

describe('bodies outside the database', () => {
  const folder = useFolder();
  const path = () => join(folder(), 'mirror.db');
  const place = (name = 'bodies') => join(folder(), name);
  const opened: TestMailbox[] = [];

  async function open(bodies = inFolder(place())) {
    const mailbox = await openOutside(path(), bodies);
    opened.push(mailbox);
    return mailbox;
  }
  const bodyOf = async (mailbox: TestMailbox, id: string) =>
    Buffer.from((await mailbox.message(id))?.body ?? []).toString();
  const insideCount = () => {
    const database = new DatabaseSync(path());
    const row = database.prepare('select count(*) as n from bodies').get();
    database.close();
    return row?.['n'];
  };

  afterEach(async () => {
    for (const { store } of opened.splice(0)) await store.close();
  });

  it('are those larger than the given size, and no row holds them', async () => {
    const mailbox = await open(inFolder(place(), 100));
    await mailbox.save(
      reading('a', { body: 'small' }),
      reading('b', { body: Array.from({ length: 200 }, (_, i) => i * i).join() }),
    );
    expect(objectsIn(place())).toHaveLength(1);
    expect(insideCount()).toBe(1);
    expect((await mailbox.messages()).map(({ body }) => body?.byteLength)).toEqual([5, 1_053]);
  });

  it('of the same bytes are one object, until no message has it', async () => {
    const mailbox = await open();
    await mailbox.sync(['a', 'b', 'c'].map((id) => reading(id, { body: 'the same newsletter' })));
    expect(objectsIn(place())).toHaveLength(1);
    await mailbox.applyTwice([record(101, deleted('a'), deleted('b'))]);
    await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 0 });
    expect(await mailbox.store.sweepBodies({ now: SOON, grace: 0 })).toEqual({ removed: 0, bytes: 0 });
    expect(await bodyOf(mailbox, 'c')).toBe('the same newsletter');
    await mailbox.applyTwice([record(102, deleted('c'))]);
    await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 0 });
    expect(await mailbox.store.sweepBodies({ now: SOON, grace: 0 })).toEqual({ removed: 1, bytes: 19 });
    expect(objectsIn(place())).toEqual([]);
  });

  it('are kept for the configured time after the last row went', async () => {
    const mailbox = await open();
    await mailbox.sync([reading('a')]);
    mailbox.now = 200_000;
    await mailbox.applyTwice([record(101, deleted('a'))]);
    await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 0 });
    expect(await mailbox.store.sweepBodies({ now: 259_999, grace: 60_000 })).toMatchObject({ removed: 0 });
    expect(await mailbox.store.sweepBodies({ now: 260_000, grace: 60_000 })).toMatchObject({ removed: 1 });
  });

  it('stay readable when later ones are kept elsewhere or inside', async () => {
    const first = await open();
    await first.save(reading('a'));
    const second = await open(inFolder(place('elsewhere')));
    await second.save(reading('b'));
    const third = await open(BODIES_INSIDE);
    await third.save(reading('c'));
    expect([objectsIn(place()).length, objectsIn(place('elsewhere')).length, insideCount()]).toEqual([1, 1, 1]);
    for (const mailbox of [first, second, third]) {
      expect((await mailbox.messages()).map(({ body }) => Buffer.from(body ?? []).toString())).toEqual([
        'body of a',
        'body of b',
        'body of c',
      ]);
    }
  });

  it('move inside and out with the format, and leave nothing behind', async () => {
    const outside = await open();
    await outside.save(reading('a', { body: 'as full' }));
    const inside = await open(BODIES_INSIDE);
    await inside.put({ ...(await inside.row()).settings, format: 'raw' });
    await inside.saveAs('raw', reading('a', { at: 20, body: 'as raw' }));
    expect([await bodyOf(inside, 'a'), insideCount()]).toEqual(['as raw', 1]);
    await outside.put({ ...(await inside.row()).settings, format: 'full' });
    await outside.save(reading('a', { at: 30, body: 'as full again' }));
    expect([await bodyOf(inside, 'a'), insideCount()]).toEqual(['as full again', 0]);
    await outside.store.sweepBodies({ now: SOON, grace: 0 });
    expect(objectsIn(place())).toHaveLength(1);
  });

  it('are found where their folder was moved to', async () => {
    const mailbox = await open();
    await mailbox.save(reading('a'));
    renameSync(place(), place('copied'));
    const moved = await open(inFolder(place('copied')));
    expect(await bodyOf(moved, 'a')).toBe('body of a');
  });

  it.for([
    ['missing', (object: string) => rmSync(object)],
    ['damaged', (object: string) => writeFileSync(object, 'body of b')],
  ] as const)('that are %s are reported, fetched again, and written again', async ([reason, spoil]) => {
    const mailbox = await open();
    await mailbox.sync([reading('a'), reading('b'), reading('c', { body: 'body of a' })]);
    spoil(objectsIn(place()).find((object) => object.includes('6d34c9fe')) ?? '');
    await expect(mailbox.messages()).rejects.toMatchObject({
      failure: { kind: 'body-lost' },
      remedy: { kind: 'check-bodies', mailbox: 'alice@example.com', rebuild: false },
    });

    const lost: LostBody[] = [];
    const found: string[] = [];
    const onLostBody = async (body: LostBody): Promise<void> => {
      lost.push(body);
      await mailbox.store.refetchLost({ mailbox: mailbox.id, lost: body, now: 300_000 });
    };
    for await (const { id } of mailbox.store.streamMessages(mailbox.id, { onLostBody })) found.push(id);
    expect(found).toEqual(['b']);
    expect(lost.map((body) => [body.messageId, body.reason])).toEqual([
      ['a', reason],
      ['c', reason],
    ]);
    expect(await mailbox.counts()).toMatchObject({ stored: 1, pending: 2, due: 2 });
    expect(await mailbox.pendingIds('live')).toEqual(['c', 'a']);
    expect(await mailbox.feed(3)).toEqual(['gone a', 'gone c']);

    await mailbox.save(reading('a'), reading('c', { body: 'body of a' }));
    expect(await bodyOf(mailbox, 'a')).toBe('body of a');
    expect(await mailbox.feed(5)).toEqual(['stored a', 'stored c']);
    expect(
      await mailbox.store.refetchLost({
        mailbox: mailbox.id,
        lost: { ...lost[0], objectKey: -1 } as LostBody,
        now: 400_000,
      }),
    ).toBe(false);
  });

  it('do not count as lost while their place is not mounted, neither for reading nor for writing', async () => {
    const mailbox = await open();
    await mailbox.save(reading('a'));
    renameSync(place(), place('unmounted'));
    const again = await open();
    await expect(again.messages()).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      remedy: { kind: 'check-bodies', mailbox: null, rebuild: true },
    });
    await expect(again.save(reading('b'))).rejects.toMatchObject({ failure: { kind: 'unavailable' } });
    renameSync(place('unmounted'), place());
    expect(await bodyOf(again, 'a')).toBe('body of a');
    expect(await again.save(reading('b'))).toMatchObject({ stored: 1 });
  });

  it('count as lost once a person has said that their place is lost', async () => {
    const mailbox = await open();
    await mailbox.save(reading('a'));
    rmSync(place(), { recursive: true });
    expect(await mailbox.store.rebuildBodyPlaces()).toEqual([`file:${place()}`]);
    expect(await mailbox.store.rebuildBodyPlaces()).toEqual([]);
    await expect(mailbox.messages()).rejects.toMatchObject({ failure: { kind: 'body-lost' } });
  });

  it(
    'lose nothing acknowledged when their writer is killed, and what no row names is swept',
    { timeout: 60_000 },
    async () => {
      const mailbox = await open();
      let acknowledged = 0;
      for (let kill = 1; kill <= 4; kill += 1) {
        const child = fork(WRITER, [path(), place()], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
        await new Promise<void>((resolve, reject) => {
          child.on('error', reject);
          child.on('exit', () => resolve());
          child.on('message', (count) => {
            acknowledged = Math.max(acknowledged, Number(count));
            if (acknowledged >= kill * 10 + kill) child.kill('SIGKILL');
          });
        });
      }
      const messages = await mailbox.messages();
      expect(messages.length).toBeGreaterThanOrEqual(acknowledged * 2);
      for (const { id, body } of messages) {
        const number = Number(id.slice(1));
        expect(Buffer.from(body ?? []).toString()).toBe(
          id.startsWith('m') ? `body of m${number}` : `shared ${number % 3}`,
        );
      }
      await mailbox.store.sweepBodies({ now: SOON, grace: 0 });
      expect(objectsIn(place())).toHaveLength(messages.length / 2 + 3);
      expect(await mailbox.messages()).toHaveLength(messages.length);
    },
  );
});
