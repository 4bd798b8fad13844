import { runningMailboxes } from '../client/running.ts';
import type { Config } from '../config/config.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { Clock } from '../model/clock.ts';
import { connectTemporal, temporalClientOf } from '../temporal/connect.ts';
import { openStoresAt } from '../storage/open-stores.ts';
import { closeStores } from '../store/open-store.ts';
import { moveStores, type MovedMailbox, type MoveRequest } from '../store/move/move-stores.ts';
import type { Phase } from '../workflows/phase.ts';

export type { MovedMailbox };

/**
 * Moves every mailbox from one database to another. Workflows must be paused or stopped first, and workers stopped. A
 * change during the move is noticed, and then nothing is moved.
 *
 * @param request.from - a database URL
 * @param request.to - another database URL
 * @param request.moveBodies - true writes the bodies outside the database once more, to the place that `BODIES_URL`
 * names; otherwise they stay where they are
 * @returns the moved mailboxes, and whether Temporal could be asked which mailboxes run
 * @throws {CannotDoError} when a mailbox runs
 * @throws {MoveError | StoreError | UnsupportedDatabaseError}
 */
export async function moveMailboxes(request: {
  config: Config;
  clock: Clock;
  from: string;
  to: string;
  moveBodies: boolean;
  onProgress: MoveRequest['onProgress'];
  signal: AbortSignal;
}): Promise<{ readonly moved: readonly MovedMailbox[]; readonly temporalAsked: boolean }> {
  const { config, clock, moveBodies, onProgress, signal } = request;
  const from = await openStoresAt(config, request.from, { create: false });
  try {
    const to = await openStoresAt(config, request.to);
    try {
      const held = new Set<string>((await from.store.listMailboxes()).map(({ id }) => id));
      const temporalAsked = await refuseRunning(config, clock, held);
      return {
        moved: await moveStores({ from, to, bodies: config.bodies, moveBodies, now: clock.now(), onProgress, signal }),
        temporalAsked,
      };
    } finally {
      await closeStores(to);
    }
  } finally {
    await closeStores(from);
  }
}

/**
 * Phases in which a workflow only waits for a person. A mailbox that is both paused and blocked shows what blocks it.
 */
const AT_REST: readonly Phase[] = ['paused', 'needs-consent', 'failed'];

/** A workflow at rest may stay: once workers have the new database it is resumed, and continues from its mark. */
async function refuseRunning(config: Config, clock: Clock, held: ReadonlySet<string>): Promise<boolean> {
  const connection = await connectTemporal(config).catch(() => null);
  if (connection === null) return false;
  try {
    const listed = await runningMailboxes(await temporalClientOf(config, { connection, clock, tracing: null }));
    const running = [...listed]
      .filter(([mailbox, { phase }]) => held.has(mailbox) && !AT_REST.includes(phase))
      .map(([mailbox]) => mailbox);
    const [first] = running;
    if (first === undefined) return true;
    throw new CannotDoError(
      'mailbox-running',
      `${running.slice(0, 3).join(', ')}${running.length > 3 ? ` and ${running.length - 3} more` : ''} still ` +
        `${running.length === 1 ? 'runs. Pause or stop it' : 'run. Pause or stop each'} and stop the workers, ` +
        'then move again.',
      { remedy: { kind: 'pause', mailbox: first } },
    );
  } finally {
    await connection.close();
  }
}
