import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENVIRONMENT, NODE_OPTIONS } from '../scripts/run-entry.mjs';
import { generateMail, type GenerateOptions } from '../src/simulator/generate.ts';
import { startSimulatorServer } from '../src/simulator/server.ts';
import { Simulator } from '../src/simulator/simulator.ts';
import { systemClock } from '../src/host/system-clock.ts';
import { InvalidRunError } from '../test/fixtures/measured/figure.ts';
import type { Ends } from './in-folder.ts';

export const sourceFile = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** A simulator in a separate process. Its mail is generated before it answers, and the quota is off. */
export class SimulatorProcess {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#child = child;
    this.url = url;
  }

  static async start(email: string, mail: Omit<GenerateOptions, 'now'>): Promise<SimulatorProcess> {
    const child = fork(fileURLToPath(import.meta.url), ['simulator', email, JSON.stringify(mail)]);
    const [url] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => ['exited'])])) as [
      string,
    ];
    if (!url.startsWith('http')) throw new InvalidRunError('the simulator ended before it served');
    return new SimulatorProcess(child, url);
  }

  async report<Answer>(path: string): Promise<Answer> {
    return (await (await fetch(`${this.url}/simulator/${path}`)).json()) as Answer;
  }

  /** Carries out a command of the control API (docs/simulator.md). */
  async command(path: string, body: object = {}): Promise<void> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    const answer = await fetch(`${this.url}/simulator/${path}`, init);
    if (!answer.ok) throw new InvalidRunError(`the simulator refused ${path}: ${await answer.text()}`);
  }

  /** Processor time so far, user and system, in seconds. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid);
  }

  stop(): void {
    this.#child.kill();
  }
}

/** A program of ours, as scripts/run-entry.mjs runs it. */
export function startProgram(
  entry: string,
  options: {
    args?: readonly string[];
    nodeOptions?: readonly string[];
    env: NodeJS.ProcessEnv;
    log: number | 'ignore';
  },
): ChildProcess {
  const args = [...NODE_OPTIONS, ...(options.nodeOptions ?? []), sourceFile(entry), ...(options.args ?? [])];
  return spawn(process.execPath, args, {
    env: { ...ENVIRONMENT, PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
    stdio: ['ignore', options.log, options.log],
  });
}

/** A worker with its log in `folder`. At the end it is told to stop, and waited for. */
export function startWorker(
  folder: string,
  { env, nodeOptions = [] }: { readonly env: NodeJS.ProcessEnv; readonly nodeOptions?: readonly string[] },
  ends: Ends,
): ChildProcess {
  const log = openSync(join(folder, 'worker.log'), 'a');
  const worker = startProgram('src/worker.ts', { env, nodeOptions, log });
  const ended = once(worker, 'exit');
  ends.push(async () => {
    worker.kill('SIGTERM');
    await ended;
  });
  return worker;
}

/** What polls of a fleet have cost so far. */
export interface PollUse {
  /** Calls of history.list. */
  readonly polls: number;
  /** Processor time, in seconds. */
  readonly worker: number;
  readonly server: number;
}

export const pollUse = (
  simulator: Simulator,
  { worker, server }: { readonly worker: number | undefined; readonly server: number | undefined },
): PollUse => ({
  polls: simulator.usage.report().methods['history.list']?.calls ?? 0,
  worker: cpuSecondsOf(worker),
  server: cpuSecondsOf(server),
});

export interface PollCost {
  readonly polls: number;
  /** Processor time of one poll, in ms. */
  readonly worker: number;
  readonly server: number;
}

export function costOfPoll(before: PollUse, after: PollUse): PollCost {
  const polls = after.polls - before.polls;
  const each = (of: 'worker' | 'server'): number => (1_000 * (after[of] - before[of])) / polls;
  return { polls, worker: each('worker'), server: each('server') };
}

export interface Memory {
  /** Megabytes (10^6 bytes) resident now, and at most so far. Linux only; NaN elsewhere. */
  readonly now: number;
  readonly peak: number;
}

export function memoryOf(pid: number | undefined): Memory {
  const file = `/proc/${pid}/status`;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const read = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1_024) / 1e6;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

export function cpuSecondsOf(pid: number | undefined): number {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return Number.NaN;
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export const load = (): string => `load ${loadavg()[0]?.toFixed(1)}`;

async function serve(email: string, mail: string): Promise<void> {
  const simulator = new Simulator({ clock: systemClock });
  generateMail(simulator.addMailbox(email), { now: Date.now(), ...(JSON.parse(mail) as Omit<GenerateOptions, 'now'>) });
  const { url } = await startSimulatorServer({ simulator, port: 0 });
  process.send?.(url);
}

if (import.meta.main && process.argv[2] === 'simulator') await serve(process.argv[3] ?? '', process.argv[4] ?? '{}');
