import { loadavg } from 'node:os';
import { exitCodeOf, table, type Bench, type Figure } from '../test/fixtures/measured/figure.ts';
import { blocked } from './blocked.ts';
import { changeFeed } from './change-feed.ts';
import { chaos } from './chaos.ts';
import { deliveryLatency } from './deliveries.ts';
import { deliveryKills } from './delivery-kills.ts';
import { deliveryProof } from './delivery-proof.ts';
import { engineHistory, engineMemory, engineOnPostgres, engineSpeed } from './engine.ts';
import { labelChanges, recovery } from '../test/fixtures/measured/history-syncs.ts';
import { backfillAtQuota, initialSyncUnits } from '../test/fixtures/measured/initial-sync.ts';
import { idlePush } from './idle-push.ts';
import { mailboxes } from './mailboxes.ts';
import { npmStart } from './npm-start.ts';
import { pace } from './pace.ts';
import { packageCosts } from './package.ts';
import { peers } from './peers.ts';
import { pollAtSize } from './poll-at-size.ts';
import { pollCost } from './poll-cost.ts';
import { postgresBulk } from './postgres-bulk.ts';
import { postgresPlans } from './postgres-plans.ts';
import { projectShares } from './project-shares.ts';
import { pushLatency } from './push.ts';
import { reading } from './reading.ts';
import { quietPoll } from '../test/fixtures/measured/quiet-poll.ts';
import { crashes, newMail } from '../test/fixtures/measured/shared-quota.ts';

/**
 * `npm run bench [-- NAME…]`: measures what the project promises and prints each figure beside its bound. The exit code
 * is 1 when a bound is missed or a run was not a valid measurement, and 2 for an unknown name.
 */
const BENCHES: readonly Bench[] = [
  engineSpeed,
  engineOnPostgres,
  engineMemory,
  engineHistory,
  npmStart,
  packageCosts,
  postgresBulk,
  postgresPlans,
  changeFeed,
  initialSyncUnits,
  backfillAtQuota,
  labelChanges,
  recovery,
  quietPoll,
  pollAtSize,
  pollCost,
  mailboxes,
  blocked,
  newMail,
  pace,
  projectShares,
  crashes,
  idlePush,
  pushLatency,
  deliveryLatency,
  deliveryProof,
  deliveryKills,
  chaos,
  reading,
  peers,
];

process.exitCode = await main(process.argv.slice(2));

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    console.error(
      `There is no bench named ${unknown.join(', ')}. The benches are:\n` +
        BENCHES.map(({ name, about }) => `  ${name.padEnd(14)}${about}`).join('\n'),
    );
    return 2;
  }
  const chosen = names.length === 0 ? BENCHES : BENCHES.filter((bench) => names.includes(bench.name));
  const figures: Figure[] = [];
  let invalid = 0;
  for (const bench of chosen) {
    const began = performance.now();
    try {
      figures.push(...(await bench.run()));
    } catch (error) {
      invalid++;
      console.error(`${bench.name} was not a valid run: ${error instanceof Error ? error.message : String(error)}`);
    }
    console.error(
      `${bench.name}: ${((performance.now() - began) / 1_000).toFixed(0)} s, load ${loadavg()[0]?.toFixed(1)}`,
    );
  }
  console.log(table(figures));
  return exitCodeOf(figures, invalid);
}
