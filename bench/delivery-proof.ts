import { InvalidRunError, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { load } from './bench-processes.ts';
import { MAILBOXES, runInThread, SUBSCRIPTIONS, type Proof } from './delivery-shard.ts';

const MINUTE = 60_000;

/** Deliveries in total; DELIVERIES=10000 makes a quick trial run. */
const DELIVERIES = Number(process.env['DELIVERIES'] ?? 1_000_000);
/** Seconds; with KILLED_EVERY=10 more kills meet deliveries under way. */
const KILLED_EVERY = Number(process.env['KILLED_EVERY'] ?? 3_600);
/** The worker of a shard is killed this often (ms), on average, while it is busy. */
const SHARDS = [
  { seed: 1, killedEvery: KILLED_EVERY * 1_000, said: `every ${KILLED_EVERY} s` },
  { seed: 2, killedEvery: MINUTE, said: 'every 60 s' },
] as const;
/** Each subscription has one delivery under way in each mailbox. */
const UNDER_WAY = MAILBOXES * SUBSCRIPTIONS.length;

/** A kill repeats deliveries under way that were already processed: repeats grow with the kills that meet any. */
function repeats({ repeated, deliveries, kills, meetings, met }: Proof, killedEvery: string): readonly Figure[] {
  const each = meetings === 0 ? 0 : repeated / meetings;
  return [
    {
      name: `deliveries again with the same id, a kill ${killedEvery}`,
      value: (100 * repeated) / deliveries,
      unit: '%',
      bound: { is: 'at most', value: 0.01 },
      note: `${repeated} of ${deliveries}; ${meetings} of ${kills} kills met deliveries under way`,
    },
    {
      name: '  the same, per kill that met deliveries under way',
      value: each,
      unit: '',
      bound: { is: 'at most', value: UNDER_WAY },
      note: `${(met / Math.max(1, meetings)).toFixed(1)} were under way; ${UNDER_WAY} may be`,
    },
    {
      name: '  deliveries between such kills that make it 0.01%',
      value: each / 0.0001,
      unit: '',
      bound: null,
      note: `${Math.round(deliveries / Math.max(1, meetings)).toLocaleString('en')} in this run`,
    },
  ];
}

export const deliveryProof: Bench = {
  name: 'delivery-proof',
  about: `${DELIVERIES.toLocaleString('en')} deliveries, a receiver down for three days, everything killed`,
  async run() {
    const began = performance.now();
    const changes = Math.ceil(DELIVERIES / (SHARDS.length * UNDER_WAY));
    const proofs = await Promise.all(SHARDS.map((shard) => runInThread({ ...shard, changes })));
    const sum = (of: (proof: Proof) => number): number => proofs.reduce((total, proof) => total + of(proof), 0);
    const deliveries = sum((proof) => proof.deliveries);
    const seconds = (performance.now() - began) / 1_000;
    if (deliveries < DELIVERIES * 0.99) throw new InvalidRunError(`only ${deliveries} deliveries were made`);
    for (const line of proofs.flatMap((proof) => proof.differences)) console.error(line);
    const figure = (name: string, value: number, most: number | null, note = '', unit = ''): Figure => ({
      name,
      value,
      unit,
      bound: most === null ? null : { is: 'at most', value: most },
      note,
    });
    const total = (name: string, of: (proof: Proof) => number, most: number | null, note = ''): Figure =>
      figure(name, sum(of), most, note);
    const days = Math.max(...proofs.map(({ virtualDays }) => virtualDays)).toFixed(1);
    return [
      figure('deliveries accepted', deliveries, null, `${days} virtual days in ${seconds.toFixed(0)} s; ${load()}`),
      total('  workers killed', ({ kills }) => kills, null, `with every attempt of ${MAILBOXES} mailboxes`),
      total('  calls of the store failed', ({ storeFaults }) => storeFaults, null, 'half of them after they were done'),
      total('  results lost by Temporal', ({ lostResults }) => lostResults, null),
      total('changes lost', ({ lost }) => lost, 0),
      total('changes reordered, or again with another id', ({ reordered }) => reordered, 0),
      total('changes neither delivered nor parked', ({ unparked }) => unparked, 0),
      total('changes parked', ({ parked }) => parked, null, 'a receiver that is down for three days parks nothing'),
      total(
        'deliveries again that no kill explains',
        ({ unexplained }) => unexplained,
        null,
        'a call of the store failed, or a result was lost',
      ),
      ...proofs.flatMap((proof, index) => repeats(proof, SHARDS[index]?.said ?? '')),
    ];
  },
};
