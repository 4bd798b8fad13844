import type { MemoryBodies } from './memory-bodies.ts';
import type { World } from './world.ts';

/** Deletes a body, and reads all messages to discover the loss. The body must then be fetched again. */
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

/** The bodies outside the database that are left after the mailbox is removed and everything is swept. */
export async function bodyDifferences({ stores, mailbox, clock }: World, bodies: MemoryBodies): Promise<string[]> {
  // Rows out of scope keep their bodies, and equal bytes share an object. Removing the mailbox covers both: nothing may
  // be left.
  await stores.store.beginRemoval({ mailbox, chain: null, now: clock.now() });
  await stores.store.finishRemovals({ now: clock.now() });
  await clock.during(stores.store.sweepBodies({ now: clock.now(), grace: 0 }));
  return bodies.names().map((name) => `left outside: ${name}`);
}
