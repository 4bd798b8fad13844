import { parseArgs } from 'node:util';
import { runSchedule } from './schedule.ts';

/** `npm run simulate-schedules -- --seed N [--count N]`: replays one schedule, or runs many from a seed on. */
const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '1' } } });
const first = Number(values.seed);
const count = Number(values.count);
const startedAt = performance.now();
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  const result = await runSchedule(seed);
  if (result.differences.length === 0) continue;
  failed += 1;
  console.log(`seed ${seed}: ${result.differences.slice(0, 5).join('; ')}`);
}
const seconds = (performance.now() - startedAt) / 1000;
console.log(`${count} schedules, ${failed} inexact, ${(count / seconds).toFixed(0)} a second`);
process.exitCode = failed === 0 ? 0 : 1;
