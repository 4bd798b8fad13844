import type { MemoryBodies } from './memory-bodies.ts';
import type { World } from './world.ts';

/** A body goes missing, and somebody who reads all messages finds out: it must be fetched again. */
export async function loseBody({ random, stores, mailbox, clock }: World, bodies: MemoryBodies): Promise<void> {
  const names = bodies.names();
  if (names.length === 0) return;
  bodies.objects.delete(random.pick(names));
  const { store } = stores;
  if ((await store.getMailbox(mailbox)) === null) return;
  const reading = store.streamMessages(mailbox, {
    onLostBody: async (lost) => {
      await store.refetchLost({ mailbox, lost, now: clock.now() });
    },
  });
  for await (const { body } of reading) if (body === null) throw new Error('a message was read without its body');
}

/** What lies outside and is named by no row, once everything was swept. */
export async function bodyDifferences({ stores, mailbox, clock }: World, bodies: MemoryBodies): Promise<string[]> {
  // Rows out of scope keep their bodies, and the same bytes are one object: a removed mailbox must leave nothing, which
  // counts both.
  await stores.store.beginRemoval({ mailbox, chain: null, now: clock.now() });
  await stores.store.finishRemovals({ now: clock.now() });
  await clock.during(stores.store.sweepBodies({ now: clock.now(), grace: 0 }));
  return bodies.names().map((name) => `left outside: ${name}`);
}
