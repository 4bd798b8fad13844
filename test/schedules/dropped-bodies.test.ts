import { afterEach, beforeEach, expect, test } from 'vitest';

import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import { initialState, isInSync } from '../../src/workflows/mailbox-state.ts';
import { Attempts } from '../fixtures/schedules/attempted-calls.ts';
import { Lanes } from '../fixtures/schedules/lanes.ts';
import { DroppedBodies } from './dropped-bodies.ts';
import { createWorld, type World } from './world.ts';

const MINUTE = 60_000;
const SEED = 1;
const START = Date.UTC(2026, 0, 1);

let world: World;
let lanes: Lanes;
let dropped: DroppedBodies;
let id: string;

/** A mailbox of two messages, which is in sync; Gmail has had them for some minutes. */
beforeEach(async () => {
  world = await createWorld(SEED);
  const { clock, gmail, mailbox, random } = world;
  Object.assign(gmail.lag, { historyMs: 0, listMs: 0, getMs: 0 });
  const attempts = Attempts.unharmed({
    clock,
    random,
    newWorker: () => world.newWorker(),
  });
  const settings = { ...DEFAULT_SETTINGS, pollInterval: 30_000, push: null };
  lanes = new Lanes(initialState({ mailbox, settings, now: clock.now() }), clock, attempts);
  dropped = new DroppedBodies({ ...world, settings }, { mayLack: () => false });
  const [first] = ['one', 'two'].map((subject) =>
    gmail.insert({ raw: `Subject: ${subject}\r\n\r\n${subject}`, labelIds: ['INBOX'], internalDate: START }),
  );
  id = first?.id ?? '';
  await dropped.look();
  void lanes.run();
  await passes(5 * MINUTE);
  expect(isInSync(lanes.state)).toBe(true);
});

afterEach(async () => {
  lanes.end();
  await passes(1_000);
  await world.stores.credentials.close();
  await world.stores.store.close();
});

async function passes(milliseconds: number): Promise<void> {
  await world.clock.runUntil(() => false, milliseconds);
}

test('the body of a message that is no longer at Gmail is dropped rightly', async () => {
  world.gmail.delete(id);
  await dropped.look();
  await passes(5 * MINUTE);
  await dropped.sweep(MINUTE);
  expect(dropped.counts).toEqual({ bodies: 1, returned: 0, wrong: 0 });
});

test('a body that is dropped a moment after its message came back is no wrong verdict', async () => {
  world.gmail.delete(id);
  await dropped.look();
  await passes(5 * MINUTE);
  world.gmail.restore(id);
  await dropped.look();
  await dropped.sweep(MINUTE);
  expect(dropped.counts).toEqual({ bodies: 1, returned: 1, wrong: 0 });
  expect(dropped.differences()).toEqual([]);
});

test('a body from before a deletion is dropped rightly, even if the store learns of it after the return', async () => {
  lanes.end();
  world.gmail.delete(id);
  await dropped.look();
  world.gmail.restore(id);
  await dropped.look();
  await passes(2 * MINUTE);
  const buried = { state: 'gone', buried_at: world.clock.now() };
  await world.stores.database.write((tx) => tx.updateTable('messages').set(buried).where('id', '=', id).execute());
  await passes(2 * MINUTE);
  await dropped.sweep(MINUTE);
  expect(dropped.counts).toEqual({ bodies: 1, returned: 1, wrong: 0 });
});

test('a body that is dropped although Gmail always had its message is found', async () => {
  const buried = { state: 'gone', buried_at: world.clock.now() };
  await world.stores.database.write((tx) => tx.updateTable('messages').set(buried).where('id', '=', id).execute());
  await passes(2 * MINUTE);
  await dropped.sweep(MINUTE);
  expect(dropped.counts).toEqual({ bodies: 1, returned: 0, wrong: 1 });
  expect(dropped.differences()).toEqual([
    expect.stringContaining(`although Gmail has had it since ${new Date(START).toISOString()}: ${id}`),
  ]);
});
