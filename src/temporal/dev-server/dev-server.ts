import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';

import type { Clock } from '../../model/clock.ts';
import { makePrivateFile, tighten } from '../../host/private-files.ts';
import { childEnvironment } from './child-environment.ts';
import { frontendTrouble } from './frontend.ts';
import { answers } from './ports.ts';
import { TemporalServerError } from './temporal-server-error.ts';

export interface DevServerOptions {
  /** Path of the Temporal CLI, or its name on the PATH. */
  readonly binary: string;
  /** The SQLite file that Temporal's state is kept in; null keeps it in memory. */
  readonly database: string | null;
  readonly namespace: string;
  readonly port: number;
  /** null starts it without its UI. */
  readonly uiPort: number | null;
  readonly logFile: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Called as soon as the process exists, before it is known to work. */
  readonly onSpawn?: (pid: number) => void;
}

/** A Temporal development server that this process started. */
export interface DevServer {
  readonly pid: number;
  readonly address: string;
  /** Resolves when its process has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Stops it, by force after ten seconds; resolves when its process has ended. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const STARTS_WITHIN = 60_000;
const STOPS_WITHIN = 10_000;
const LARGEST_LOG = 5 * 1024 * 1024;

/**
 * A line is read from the pipe: all is well. It just closed: the owner is gone, whatever became of it. What the server
 * writes is its owner's alone: its database holds the addresses of mailboxes.
 */
const LIFELINE = 'umask 077; { read -r line <&3 || kill -TERM $$; } & exec "$@" </dev/null 3<&-';

/**
 * Starts `temporal server start-dev` and waits until its frontend answers.
 *
 * The server leads a process group of its own, so that Ctrl-C in a terminal reaches its owner alone, which stops its
 * workers first. It dies with its owner all the same, even with one that was killed: a shell of one line stays beside
 * it and waits for the end of a pipe that only the owner holds open. (There is no such shell on Windows: there a server
 * whose owner was killed is joined by the next one.)
 * @throws {TemporalServerError} when it ends at once or does not answer in time, with the end of its log
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  const { binary, port, logFile, clock, signal } = options;
  makePrivateFile(logFile);
  for (const path of filesOf(options)) tighten(path);
  if (existsSync(logFile) && statSync(logFile).size > LARGEST_LOG) renameSync(logFile, `${logFile}.1`);
  const logBegan = existsSync(logFile) ? statSync(logFile).size : 0;
  const log = openSync(logFile, 'a', 0o600);
  const child = spawnWithLifeline(binary, argumentsOf(options), log);
  closeSync(log);

  const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  const exited = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => {
      endLifeline(child);
      resolve();
    });
  });
  const stop = async () => {
    endLifeline(child);
    child.kill('SIGTERM');
    const late = new AbortController();
    await Promise.race([
      exited,
      clock.sleep(STOPS_WITHIN, late.signal).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      ),
    ]);
    late.abort();
    await exited;
  };

  const address = `${HOST}:${port}`;
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const deadline = clock.now() + STARTS_WITHIN;
  try {
    while (isRunning() && clock.now() < deadline) {
      // The port first: a gRPC channel waits a second before it tries a refused address again.
      if (
        (await answers(port)) &&
        (await frontendTrouble(address, { namespace: options.namespace, options: {} }, 2_000)) === null
      ) {
        if (isRunning() && child.pid !== undefined) return { pid: child.pid, address, exited, stop };
      }
      await Promise.race([exited, clock.sleep(50, signal)]);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const what = isRunning()
    ? `did not answer at ${address} within ${STARTS_WITHIN / 1000} s`
    : 'ended as soon as it was started';
  await stop();
  throw new TemporalServerError([
    `The Temporal server ${what}. The end of its log (${logFile}):`,
    ...tail(logFile, logBegan),
  ]);
}

/** Earlier versions left them readable by all. */
function filesOf({ logFile, database }: DevServerOptions): string[] {
  return [
    logFile,
    `${logFile}.1`,
    ...(database === null ? [] : ['', '-wal', '-shm', '-journal'].map((ending) => `${database}${ending}`)),
  ];
}

function argumentsOf({ database, namespace, port, uiPort }: DevServerOptions): string[] {
  const args = ['server', 'start-dev', '--ip', HOST, '--port', String(port), '--log-level', 'warn'];
  args.push(...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]));
  if (namespace !== 'default') args.push('--namespace', namespace);
  if (database !== null) {
    // With a write-ahead log and no flush at each commit a killed server loses nothing, and a machine that loses power
    // loses the last moments and keeps a sound file. It is twice as fast as the server's default, which flushes.
    args.push(
      '--db-filename',
      database,
      '--sqlite-pragma',
      'journal_mode=wal',
      '--sqlite-pragma',
      'synchronous=normal',
    );
  }
  for (const [key, value] of Object.entries(DYNAMIC_CONFIG)) args.push('--dynamic-config-value', `${key}=${value}`);
  return args;
}

/** Fairness keys do nothing unless they are turned on, and priorities are strict within one partition only. */
const DYNAMIC_CONFIG = {
  'matching.enableFairness': 'true',
  'matching.numTaskqueueReadPartitions': '1',
  'matching.numTaskqueueWritePartitions': '1',
} as const;

function spawnWithLifeline(binary: string, args: readonly string[], log: number): ChildProcess {
  const env = childEnvironment(process.env, 'program');
  if (process.platform === 'win32') return spawn(binary, args, { env, stdio: ['ignore', log, log], windowsHide: true });
  const child = spawn('/bin/sh', ['-c', LIFELINE, 'sh', binary, ...args], {
    env,
    detached: true,
    stdio: ['ignore', log, log, 'pipe'],
  });
  // The shell at the other end may be gone before it is told to go.
  child.stdio[3]?.on('error', () => undefined);
  return child;
}

/**
 * Lets the shell at the other end go in peace: it must not send a signal to a process id that may be another's by then.
 */
function endLifeline(child: ChildProcess): void {
  const lifeline = child.stdio[3];
  if (lifeline && 'write' in lifeline && lifeline.writable) lifeline.end('\n');
}

function tail(file: string, from: number): readonly string[] {
  const text = readFileSync(file).subarray(from).toString();
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? ['  (empty)'] : lines.slice(-10).map((line) => `  ${line.slice(0, 500)}`);
}
