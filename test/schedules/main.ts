import { parseArgs } from 'node:util';
import { runSchedule } from './schedule.ts';

/** `npm run simulate-schedules -- --seed N [--count N] [--trace TEXT]`: replays one schedule, or runs many from a seed on; traces calls that mention a text. */
const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '1' }, trace: { type: 'string' } } });
const first = Number(values.seed);
const count = Number(values.count);
const text = values.trace;
const startedAt = performance.now();
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  const result = await runSchedule(seed, text === undefined ? null : (at, line) => line.includes(text) && console.log(at, line));
  if (result.differences.length === 0) continue;
  failed += 1;
  console.log(`seed ${seed}: ${result.differences.slice(0, 5).join('; ')}`);
}
const seconds = (performance.now() - startedAt) / 1000;
console.log(`${count} schedules, ${failed} inexact, ${(count / seconds).toFixed(0)} a second`);
process.exitCode = failed === 0 ? 0 : 1;
