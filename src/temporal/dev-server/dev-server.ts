import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';

import type { Clock } from '../../model/clock.ts';
import { makePrivateFile, tighten } from '../../host/private-files.ts';
import { childEnvironment } from './child-environment.ts';
import { frontendTrouble } from './frontend-trouble.ts';
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
  /** Resolves when the server's process has ended, for whatever reason. */
  readonly exited: Promise<void>;
  /** Stops the server, by force after ten seconds; resolves when its process has ended. */
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const STARTS_WITHIN = 60_000;
const STOPS_WITHIN = 10_000;
const START_ATTEMPTS = 3;
/**
 * The server picks free ports for its inner services, and panics with these words when another process is faster. The
 * same command mostly succeeds at once.
 */
const LOST_INNER_PORT = 'failed assigning ephemeral port';
const LARGEST_LOG = 5 * 1024 * 1024;

/**
 * When the shell reads a line from the pipe, it ends quietly. When the pipe closes without a line, the owner is gone,
 * and the shell stops the server. Only the owner can read what the server writes, because its database holds the
 * addresses of mailboxes.
 */
const LIFELINE = 'umask 077; { read -r line <&3 || kill -TERM $$; } & exec "$@" </dev/null 3<&-';

/**
 * Starts `temporal server start-dev` and waits until its frontend answers.
 *
 * The server leads its own process group, so that Ctrl-C in a terminal reaches only the owner, which stops its workers
 * first. The server still dies with its owner, even when the owner is killed: a one-line shell runs beside the server
 * and waits for the end of a pipe that only the owner holds open. (On Windows there is no such shell: a server whose
 * owner was killed keeps running, and the next process joins it.)
 * @throws {TemporalServerError} when it ends at once or does not answer in time, with the end of its log
 */
export async function startDevServer(options: DevServerOptions): Promise<DevServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      const lostInnerPort = error instanceof TemporalServerError && error.message.includes(LOST_INNER_PORT);
      if (!lostInnerPort || attempt === START_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(options: DevServerOptions): Promise<DevServer> {
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
      // The port is tried first, because a gRPC channel waits a second before it retries a refused address.
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

/** The files whose permissions are tightened: earlier versions left them readable by all. */
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
    // A write-ahead log without a flush at each commit is twice as fast as the server's default, which flushes. A
    // killed server loses nothing. A power loss costs the last moments, but does not corrupt the file.
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

/** Fairness keys have no effect unless they are enabled, and priorities are strict only within one partition. */
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
  // The shell at the other end may have ended before the line is written.
  child.stdio[3]?.on('error', () => undefined);
  return child;
}

/**
 * Ends the shell at the other end without a signal: the server's process id may belong to another process by then.
 */
function endLifeline(child: ChildProcess): void {
  const lifeline = child.stdio[3];
  if (lifeline && 'write' in lifeline && lifeline.writable) lifeline.end('\n');
}

/** The end of the log, without the goroutines that follow a panic: they would push its reason out. */
function tail(file: string, from: number): readonly string[] {
  const lines = readFileSync(file).subarray(from).toString().split('\n');
  const trace = lines.findIndex((line) => /^goroutine \d+ /.test(line));
  const shown = (trace === -1 ? lines : lines.slice(0, trace)).filter((line) => line.trim() !== '');
  return shown.length === 0 ? ['  (empty)'] : shown.slice(-10).map((line) => `  ${line.slice(0, 500)}`);
}
