import { join, resolve } from 'node:path';

import { codeOf } from '../../model/error-code.ts';
import { makePrivateFolder } from '../../host/private-files.ts';
import type { TemporalConnection } from '../../config/temporal-connection.ts';
import { findBinary } from './binary.ts';
import { startDevServer } from './dev-server.ts';
import { withFileLock } from '../../host/file-lock.ts';
import { frontendTrouble } from './frontend-trouble.ts';
import { databaseOf, readInstance, readLastInstance, writeInstance } from './instance-file.ts';
import { freePort, isListening, USUAL_PORTS } from './ports.ts';
import { TemporalServerError } from './temporal-server-error.ts';
import { watchServer } from './watch-server.ts';
import type { EnsureTemporalServerOptions, TemporalServer, Holding } from './temporal-server.ts';

const ANSWERS_WITHIN = 5_000;
const JOINS_WITHIN = 30_000;
const START_ATTEMPTS = 3;

/**
 * Returns a Temporal server: the one that the environment names, the one that already runs for this data directory, or
 * a new one, started as a child of this process. When such a server dies, the first of the processes that use it starts
 * it again at the same address.
 * @throws {TemporalServerError} when there is no usable server; the message says what to do
 */
export async function ensureTemporalServer(options: EnsureTemporalServerOptions): Promise<TemporalServer> {
  const { connection } = options;
  if (connection.address !== null) return await useNamedServer(connection.address, connection);
  const directory = { ...options, dataDir: resolve(options.dataDir) };
  try {
    const holding = await holdServer(directory, null);
    return watchServer(holding, directory, (previous) => holdServer(directory, previous));
  } catch (error) {
    throw explained(error, directory.dataDir);
  }
}

async function useNamedServer(address: string, connection: TemporalConnection): Promise<TemporalServer> {
  // A refused port gets a shorter wait, but is no proof that the server is down: there may be a proxy in between.
  const listening = await isListening(address);
  const trouble = await frontendTrouble(address, connection, listening ? ANSWERS_WITHIN : ANSWERS_WITHIN / 5);
  if (trouble !== null) {
    throw new TemporalServerError(
      `The Temporal server at ${address} cannot be used: ${trouble}. Start or correct it, ` +
        'or unset TEMPORAL_ADDRESS: then Tidemark runs a server of its own.',
    );
  }
  return { address, uiUrl: null, owned: false, lost: new Promise(() => undefined), stop: () => Promise.resolve() };
}

/**
 * Joins the directory's server or starts it, under the directory's lock. When several processes come at the same
 * moment, the first starts the server, and the others find it running once they get the lock. The instance file is
 * written as soon as the server's process exists, so that a second server is never started over the same database.
 * @param previous the server that died; the new one must listen at the same address, because clients are connected to
 * it
 */
async function holdServer(options: EnsureTemporalServerOptions, previous: Holding | null): Promise<Holding> {
  const { dataDir, log, clock, signal } = options;
  makePrivateFolder(dataDir);
  const onWait = () => log('another process is starting the Temporal server of this directory: waiting for it');
  return await withFileLock(join(dataDir, 'temporal.lock'), { clock, signal, onWait }, async () => {
    const running = readInstance(dataDir);
    if (running !== null && (await joins(running, options))) return { ...running, own: null };

    const binary = await findBinary('temporal', options);
    for (let attempt = 1; ; attempt += 1) {
      const { port, uiPort } = await choosePorts(options, previous);
      try {
        return await startServer(options, { binary, port, uiPort });
      } catch (error) {
        // Another process took the port between the choice and the start.
        const lostPort = error instanceof TemporalServerError && error.message.includes('address already in use');
        if (!lostPort || attempt === START_ATTEMPTS) throw error;
      }
    }
  });
}

async function startServer(
  { dataDir, connection, clock, signal }: EnsureTemporalServerOptions,
  { binary, port, uiPort }: { binary: string; port: number; uiPort: number },
): Promise<Holding> {
  const uiUrl = `http://localhost:${uiPort}`;
  const server = await startDevServer({
    binary,
    database: databaseOf(dataDir),
    namespace: connection.namespace,
    port,
    uiPort,
    logFile: join(dataDir, 'temporal.log'),
    clock,
    signal,
    onSpawn: (pid) => writeInstance(dataDir, { pid, address: `127.0.0.1:${port}`, uiUrl }),
  });
  return { pid: server.pid, address: server.address, uiUrl, own: server };
}

/**
 * Waits until a server that was found running answers.
 * @returns false when the server ended meanwhile
 * @throws {TemporalServerError} when it runs but does not answer: a second server over its database would harm both
 */
async function joins(
  running: { readonly pid: number; readonly address: string },
  options: EnsureTemporalServerOptions,
): Promise<boolean> {
  const { dataDir, connection, clock, signal } = options;
  const deadline = clock.now() + JOINS_WITHIN;
  let trouble: string | null = '';
  while (readInstance(dataDir)?.pid === running.pid) {
    trouble = await frontendTrouble(running.address, { namespace: connection.namespace, options: {} }, ANSWERS_WITHIN);
    if (trouble === null) return true;
    if (clock.now() > deadline) {
      throw new TemporalServerError(
        `The Temporal server of ${dataDir} runs as process ${running.pid} at ${running.address}, but ${trouble}: ` +
          `end it with "kill ${running.pid}" and try again.`,
      );
    }
    await clock.sleep(100, signal);
  }
  return false;
}

async function choosePorts({ dataDir, ports, log }: EnsureTemporalServerOptions, previous: Holding | null) {
  // Prefers the last ports: clients may still be connected to that address, and a page of the UI may be open.
  const last = previous ?? readLastInstance(dataDir);
  const [lastPort, lastUiPort] = last === null ? [null, null] : [portOf(last.address), portOf(last.uiUrl ?? '')];
  if (previous !== null && lastPort !== null) return { port: lastPort, uiPort: await freePort(lastUiPort, [lastPort]) };

  const wanted = ports?.frontend || (lastPort ?? ports?.frontend ?? USUAL_PORTS.frontend);
  const wantedUi = ports?.ui || (lastUiPort ?? ports?.ui ?? USUAL_PORTS.ui);
  const port = await freePort(wanted);
  const uiPort = await freePort(wantedUi, [port]);
  if (wanted !== 0 && port !== wanted) log(`port ${wanted} is in use: the Temporal server takes ${port}`);
  if (wantedUi !== 0 && uiPort !== wantedUi) log(`port ${wantedUi} is in use: Temporal's UI takes ${uiPort}`);
  return { port, uiPort };
}

const portOf = (address: string): number => Number(/:(\d+)$/.exec(address)?.[1] ?? 0);

const FILE_TROUBLE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'that is not a directory',
  EEXIST: 'that is not a directory',
};

/** Replaces a file error with one sentence for a person. */
function explained(error: unknown, dataDir: string): unknown {
  const code = codeOf(error) ?? '';
  const trouble = FILE_TROUBLE[code] ?? (code === 'ERR_SQLITE_ERROR' ? 'its lock file cannot be written' : undefined);
  if (trouble === undefined) return error;
  return new TemporalServerError(`The Temporal server's files cannot be kept in ${dataDir}: ${trouble}.`, {
    cause: error,
  });
}
