import type { WorkerDependencies } from '../../src/activities/create-activities.ts';
import { labelId, mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { PRICE_TABLES } from '../../src/model/prices.ts';
import type { MailboxSettings, Scope } from '../../src/model/settings.ts';
import { DEFAULT_SETTINGS } from '../../src/model/settings.ts';
import type { SimulatedMailbox } from '../../src/simulator/simulated-mailbox.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import type { OpenOptions, Stores } from '../../src/store/open-store.ts';
import { connectSimulated, simulatedWorker } from '../fixtures/gmail/simulated-worker.ts';
import { MemoryBodies } from './memory-bodies.ts';
import { Random } from '../fixtures/schedules/seeded-random.ts';
import { timeless } from '../fixtures/schedules/timeless.ts';
import { VirtualClock } from '../fixtures/schedules/schedule-clock.ts';
import { drawError, workerWithWrongClock } from '../fixtures/schedules/wrong-clock.ts';
import { openMemoryStores } from '../fixtures/store/migrated-sqlite.ts';

const SCOPE_LABELS = ['INBOX', 'STARRED', 'SENT', 'DRAFT'];
/** Every schedule begins at 2026-01-01. */
const START = Date.UTC(2026, 0, 1);

/** A Gmail, a database and a clock for one mailbox, all of them drawn from the seed. */
export interface World {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly simulator: Simulator;
  readonly gmail: SimulatedMailbox;
  readonly mailbox: MailboxId;
  readonly settings: MailboxSettings;
  readonly stores: Stores;
  /** The place of the bodies; null when they are in the database. */
  readonly bodies: MemoryBodies | null;
  /** Draws the limits of scopes; null when no scope of this schedule has one. */
  readonly limits: Random | null;
  /** Makes a worker that shares nothing in memory with an earlier one. */
  newWorker(): WorkerDependencies;
}

/** Opens empty stores. The seed decides the place of their bodies. */
export type OpenWorld = (place: OpenOptions) => Promise<Stores>;

/**
 * @param openWorld - opens empty stores; in memory by default
 * @param options.hasTopic - whether Gmail can publish changes in any case, and not only in some worlds
 */
export async function createWorld(
  seed: number,
  openWorld: OpenWorld = (place) => openMemoryStores(place),
  { hasTopic = false }: { readonly hasTopic?: boolean } = {},
): Promise<World> {
  const random = new Random(seed);
  const clock = new VirtualClock(START, random);
  const simulator = new Simulator({ clock, seed, latencyMs: random.below(3) * 40 });
  const mailbox = mailboxId('ada@example.com');
  const gmail = simulator.addMailbox(mailbox);
  drawLag(gmail, random);
  drawPaging(gmail, random);
  if (random.chance(0.2)) simulator.batchOrder = 'shuffled';
  // Decided by the seed itself, with a generator of its own, so that other schedules stay what they are.
  const limits = seed % 5 === 2 ? new Random(seed ^ 0x1157) : null;
  const settings = drawSettings({ random, limits, gmail }, START);
  // Decided by the seed itself, because drawing it would change every schedule. All bodies are outside, or only the
  // larger ones.
  const bodies = seed % 4 === 0 ? new MemoryBodies(clock) : null;
  const place =
    bodies === null
      ? {}
      : {
          bodies: {
            url: bodies.url,
            over: seed % 8 === 0 ? 0 : 72,
            s3: { endpoint: null, region: null },
            open: () => bodies,
          },
        };
  const opened = await openWorld(place);
  // A place for bodies sleeps in virtual time within a call of the store, so calls of that store must not stop the
  // clock.
  const stores = bodies === null ? watched(opened, clock) : opened;
  await connectSimulated({ simulator, stores }, mailbox);
  // Mostly without a limit, because pacing has its own tests, and a ledger that is written for each call makes
  // schedules slow.
  const prices = random.chance(0.3)
    ? PRICE_TABLES['2026']
    : { ...PRICE_TABLES['2026'], userUnitsPerMinute: 1_000_000_000 };
  const pushTopic = random.chance(0.4) || hasTopic ? 'projects/p/topics/mail' : null;
  simulator.delivery.announcesWatches = random.chance(0.5);
  simulator.delivery.delayMs = random.pick([0, 2_000, 60_000]);
  simulator.delivery.lossProbability = random.pick([0, 0.3, 1]);
  // Also decided by the seed itself: whether the machines' clocks are wrong.
  const clocks = seed % 3 === 1 ? new Random(seed) : null;
  const newWorker = (): WorkerDependencies => {
    if (clocks === null) return { ...simulatedWorker({ simulator, stores, prices, clock }), pushTopic };
    return { ...workerWithWrongClock({ simulator, stores, prices, clock }, drawError(clocks)), pushTopic };
  };
  return { random, clock, simulator, gmail, mailbox, settings, stores, bodies, limits, newWorker };
}

function drawLag(gmail: SimulatedMailbox, random: Random): void {
  if (random.chance(0.4)) return;
  // Sometimes far longer than ever observed, but within the time that settling and listings allow.
  const longest = random.chance(0.2) ? 28_000 : 5_000;
  if (random.chance(0.6)) gmail.lag.historyMs = random.below(longest);
  if (random.chance(0.6)) gmail.lag.listMs = random.below(longest);
  if (random.chance(0.4)) gmail.lag.getMs = random.below(4_000);
  gmail.lag.getProbability = random.next();
  gmail.lag.jitter = random.chance(0.5);
}

/** Small pages, so that a small mailbox has many. */
function drawPaging(gmail: SimulatedMailbox, random: Random): void {
  gmail.paging.tokens = random.chance(0.5) ? 'offset' : 'cursor';
  gmail.paging.listPage = 1 + random.below(12);
  gmail.paging.historyPage = 1 + random.below(8);
  gmail.paging.operationsPerRecord = 1 + random.below(4);
  gmail.paging.emptyPages = random.chance(0.3) ? 0.2 : 0;
  gmail.paging.labelIdsInHistory = random.chance(0.7);
}

/** @param now - epoch ms */
export function drawSettings(
  { random, limits, gmail }: Pick<World, 'random' | 'limits' | 'gmail'>,
  now: number,
): MailboxSettings {
  const own = gmail.labels().filter((label) => label.type === 'user');
  const labels = [...SCOPE_LABELS, ...own.map((label) => label.id)].map(labelId);
  const scope: Scope = {
    labelIds: random.chance(0.25) ? labels.filter(() => random.chance(0.3)) : [],
    after: random.chance(0.25) ? now - random.below(1_000_000) : null,
    limit: limits === null || limits.chance(0.2) ? null : 1 + limits.below(limits.chance(0.5) ? 5 : 40),
    includeSpamTrash: random.chance(0.3),
  };
  const recovery = random.pick(['listings', 'listings', 'minimal'] as const);
  return {
    recovery,
    attachments: random.chance(0.5),
    auditInterval: random.pick([null, 30_000]),
    push: random.pick([null, { labelIds: [] }, { labelIds: [labelId('INBOX')] }]),
    format: random.pick(['full', 'raw'] as const),
    scope,
    pollInterval: random.pick([10_000, DEFAULT_SETTINGS.pollInterval]),
  };
}

/** Wraps the stores so that no virtual time passes during their calls. */
function watched(stores: Stores, clock: VirtualClock): Stores {
  const watch = timeless(clock);
  return {
    store: watch(stores.store),
    credentials: watch(stores.credentials),
    database: watch(stores.database),
  };
}
