import type { WorkerDependencies } from '../src/activities/create-activities.ts';
import { createSessionFactory } from '../src/activities/sessions.ts';
import type { Transport } from '../src/gmail/api/transport.ts';
import type { Clock } from '../src/model/clock.ts';
import type { MailboxId } from '../src/model/ids.ts';
import type { PriceTable } from '../src/model/prices.ts';
import type { Simulator } from '../src/simulator/simulator.ts';
import type { Stores } from '../src/store/open-store.ts';
import { open, seal, secretKey } from '../src/secrets/secret-box.ts';

const KEY = secretKey(new Uint8Array(32).fill(7), 'a test');

export interface SimulatedWorkerOptions {
  readonly simulator: Simulator;
  readonly stores: Stores;
  readonly prices: PriceTable;
  readonly clock: Clock;
  readonly pushTopic?: string | null;
  /** The way to the simulator; absent: undisturbed. */
  readonly transport?: Transport;
}

/**
 * What a worker's activities need, over a simulated Gmail in this process. Each call is a worker of its own: nothing in
 * memory is shared with another.
 */
export function simulatedWorker({
  simulator,
  stores,
  prices,
  clock,
  pushTopic = null,
  transport = simulator.transport,
}: SimulatedWorkerOptions): WorkerDependencies {
  const openSession = createSessionFactory({
    ...stores,
    secretKeys: { open: async (mailbox, record) => open(KEY, mailbox, record) },
    transport,
    rootUrl: simulator.rootUrl,
    tokenUrl: `${simulator.rootUrl}/token`,
    prices,
    clock,
  });
  return { store: stores.store, prices, clock, pushTopic, openSession };
}

/**
 * Stores the credentials of the mailbox's last grant, as {@link simulatedWorker} reads them.
 *
 * @param account - whose grant it is, where the account has another address than the mailbox
 */
export async function connectSimulated(
  { simulator, stores }: Pick<SimulatedWorkerOptions, 'simulator' | 'stores'>,
  mailbox: MailboxId,
  account: string = mailbox,
): Promise<void> {
  await stores.credentials.put(mailbox, {
    ...seal(KEY, mailbox, JSON.stringify(simulator.credentialsFor(account))),
    version: 1,
  });
}
