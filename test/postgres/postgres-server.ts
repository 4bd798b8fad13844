import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pg from 'pg';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import { freePort } from '../../src/temporal/dev-server/index.ts';
import { findPostgres, HOW_TO_GET_ONE } from './binaries.ts';

const HOST = '127.0.0.1';
const STARTS_WITHIN = 30_000;
/** The owner comes in without a password; whoever else is made needs one. */
const ACCESS = `local all all trust
host all postgres ${HOST}/32 trust
host all all ${HOST}/32 scram-sha-256
`;
/** Nothing outlives a test. */
const CARELESS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };
/** When the pipe just closes its owner was killed: then the server ends too. */
const LIFELINE = '{ read -r line <&3 || kill -QUIT $$; } & exec "$@" </dev/null 3<&-';

export interface PostgresServerOptions {
  /** For measurements: commits reach the disk, as they do in production. */
  readonly durable?: boolean;
  /** Of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A PostgreSQL server of one's own, with a fresh data directory, on a free port. `stop` removes everything. */
export class PostgresServer {
  readonly port: number;
  /** Of the owner of everything, without a password. */
  readonly url: string;
  readonly folder: string;
  readonly #bin: string;
  readonly #user: { uid?: number; gid?: number };
  readonly #settings: Readonly<Record<string, string>>;
  #process: ChildProcess | null = null;

  private constructor(options: {
    bin: string;
    folder: string;
    port: number;
    user: { uid?: number; gid?: number };
    settings: Readonly<Record<string, string>>;
  }) {
    this.#bin = options.bin;
    this.folder = options.folder;
    this.port = options.port;
    this.url = `postgres://postgres@${HOST}:${options.port}/postgres`;
    this.#user = options.user;
    this.#settings = options.settings;
  }

  /** @throws {Error} when there is no PostgreSQL on this machine, or it does not start: with the end of its log */
  static async start({ durable = false, settings = {} }: PostgresServerOptions = {}): Promise<PostgresServer> {
    const bin = findPostgres();
    if (bin === null) throw new Error(`There is no PostgreSQL on this machine: ${HOW_TO_GET_ONE}.`);
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-postgres-'));
    const user = unprivileged();
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid);
    try {
      const data = join(folder, 'data');
      execFileSync(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-sync'], {
        ...user,
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      writeFileSync(join(data, 'pg_hba.conf'), ACCESS);
      const server = new PostgresServer({
        bin,
        folder,
        port: await freePort(0),
        user,
        settings: { max_connections: '200', ...(durable ? {} : CARELESS), ...settings },
      });
      await server.resume();
      return server;
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get logFile(): string {
    return join(this.folder, 'server.log');
  }

  /** Starts it again after {@link halt}, on the same port and with the same data. */
  async resume(): Promise<void> {
    const log = openSync(this.logFile, 'a');
    const settings = Object.entries({
      listen_addresses: HOST,
      port: String(this.port),
      unix_socket_directories: this.folder,
      ...this.#settings,
    });
    const args = ['-D', join(this.folder, 'data'), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
    const child = spawn('sh', ['-c', LIFELINE, 'sh', join(this.#bin, 'postgres'), ...args], {
      ...this.#user,
      cwd: this.folder,
      stdio: ['ignore', log, log, 'pipe'],
    });
    closeSync(log);
    this.#process = child;
    const deadline = clock.now() + STARTS_WITHIN;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || clock.now() > deadline) {
        await this.halt('SIGQUIT');
        throw new Error(`PostgreSQL did not start:\n${readFileSync(this.logFile, 'utf8').slice(-2_000)}`);
      }
      await clock.sleep(30);
    }
  }

  /** SIGINT ends it in order and breaks connections off, SIGQUIT at once and without a checkpoint, as a crash does. */
  async halt(signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    const lifeline = child.stdio[3];
    if (lifeline instanceof Writable) lifeline.end('\n');
  }

  async stop(): Promise<void> {
    await this.halt('SIGQUIT');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    try {
      await administer(this.url, 'select 1');
      return true;
    } catch {
      return false;
    }
  }
}

/** Runs statements as the owner of a server or database. */
export async function administer(
  url: string,
  ...statements: readonly string[]
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that goes away says so to a connection that is just closing.
  client.on('error', () => undefined);
  try {
    await client.connect();
    let rows: readonly Record<string, unknown>[] = [];
    for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (option: '-u' | '-g', name: string): number =>
    Number(execFileSync('id', [option, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', name), gid: id('-g', name) };
    } catch {
      // No such user here.
    }
  }
  throw new Error('PostgreSQL does not run as root, and this machine has neither a user "postgres" nor "nobody".');
}
