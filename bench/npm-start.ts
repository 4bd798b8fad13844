import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidRunError, type Bench } from '../test/fixtures/measured/figure.ts';
import { load, sourceFile, startProgram } from './bench-processes.ts';

const RUNS = 3;

/** Runs `npm start -- --once` in a data directory that holds only the downloaded programs. @returns seconds */
async function startOnce(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-once-'));
  try {
    mkdirSync(join(folder, 'bin'));
    symlinkSync(join(sourceFile('.tidemark'), 'bin', 'temporal'), join(folder, 'bin', 'temporal'));
    const log = openSync(join(folder, 'out.txt'), 'a');
    const began = performance.now();
    const program = startProgram('src/start/main.ts', {
      args: ['--once', '--messages', '2000'],
      env: { TIDEMARK_DATA_DIR: folder },
      log,
    });
    const [code] = (await once(program, 'exit')) as [number | null];
    closeSync(log);
    const seconds = (performance.now() - began) / 1_000;
    const said = readFileSync(join(folder, 'out.txt'), 'utf8');
    if (code !== 0 || !/is in sync: 1,9\d\d messages|is in sync: 2,000 messages/.test(said))
      throw new InvalidRunError(`npm start -- --once ended with ${code}:\n${said}`);
    return seconds;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const npmStart: Bench = {
  name: 'start',
  about: 'npm start -- --once on 2,000 generated messages, after set-up',
  async run() {
    const seconds: number[] = [];
    for (let run = 0; run < RUNS; run++) seconds.push(await startOnce());
    const [, median = Number.NaN] = seconds.toSorted((a, b) => a - b);
    return [
      {
        name: 'npm start -- --once, 2,000 messages',
        value: median,
        unit: 's',
        bound: { is: 'at most', value: 60 },
        note: `median of ${seconds.map((value) => value.toFixed(1)).join(', ')}; ${load()}`,
      },
    ];
  },
};
