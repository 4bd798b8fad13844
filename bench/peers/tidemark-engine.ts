import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { openWithStores, type TidemarkWithStores } from '../../src/app/open-with-stores.ts';
import { loadConfig } from '../../src/config/config.ts';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import type { MessageFormat } from '../../src/model/settings.ts';
import type { DevServer } from '../../src/temporal/dev-server/index.ts';
import { InvalidRunError } from '../../test/fixtures/measured/figure.ts';
import { holdsParts } from '../../test/fixtures/schedules/compare-parts.ts';
import { startProgram } from '../bench-processes.ts';
import { startServerIn } from '../dev-server.ts';
import { tidemarkEnvironment } from './tidemark-environment.ts';
import type { HeldMessage, MailCopy, Peer, Place, RunningSync } from './peer.ts';
import { EMAIL } from './shared-gmail.ts';

/** Ms between two looks at the store. */
const LOOK = 20;
const PATIENCE = 10 * 60_000;

/** Tidemark as `bench engine` runs it: a Temporal server that runs already, and a worker in a process of its own. */
export function tidemarkEngine(format: Extract<MessageFormat, 'full' | 'raw'>): Peer {
  return {
    name: format === 'full' ? "Tidemark's engine" : "Tidemark's engine, raw",
    about: `one worker, SQLite, format ${format}`,
    keepsMessage: () => true,
    keepsLabel: () => true,
    isBodyOf: (body, raw) => (format === 'full' ? holdsParts(body, raw, false) : digestOf(body) === digestOf(raw)),
    open: (place) => EngineCopy.open(place, format),
  };
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

class EngineCopy implements MailCopy {
  readonly #tidemark: TidemarkWithStores;
  readonly #server: DevServer;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: number;
  readonly #format: MessageFormat;

  private constructor(
    parts: { tidemark: TidemarkWithStores; server: DevServer; env: NodeJS.ProcessEnv; log: number },
    format: MessageFormat,
  ) {
    this.#tidemark = parts.tidemark;
    this.#server = parts.server;
    this.#env = parts.env;
    this.#log = parts.log;
    this.#format = format;
  }

  static async open({ folder, gmail, ends }: Place, format: MessageFormat): Promise<EngineCopy> {
    const server = await startServerIn(folder);
    ends.push(() => server.stop());
    const env = { ...tidemarkEnvironment(folder, gmail), TEMPORAL_ADDRESS: server.address };
    const config = loadConfig({ env });
    const tidemark = await openWithStores({ config });
    ends.push(() => tidemark.close());
    const text = await gmail.credentials();
    await connectMailbox({ config, stores: tidemark, mailbox: EMAIL, clock, text, verify: false });
    const log = openSync(join(folder, 'worker.log'), 'a');
    return new EngineCopy({ tidemark, server, env, log }, format);
  }

  async sync(): Promise<RunningSync> {
    const { client } = this.#tidemark;
    const wasInSync = await this.#hasSynced();
    const worker = startProgram('src/worker.ts', { env: this.#env, log: this.#log });
    const exited = once(worker, 'exit');
    const hasEnded = (): boolean => worker.exitCode !== null || worker.signalCode !== null;
    await client.start(EMAIL, { format: this.#format, scope: { includeSpamTrash: true } });
    // Once in sync it asks for a sync of what is new. Before that, a look at the store is exact to some milliseconds.
    const inSync = wasInSync ? client.waitUntilInSync(EMAIL) : this.#untilSynced(hasEnded);
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      worker.kill(signal);
      await exited;
    };
    return {
      processes: { worker: worker.pid ?? 0, 'Temporal server': this.#server.pid },
      ended: inSync.then(() => (hasEnded() ? (worker.exitCode ?? -1) : 0)),
      kill: () => end('SIGKILL'),
      stop: () => end('SIGTERM'),
    };
  }

  async *held(): AsyncIterable<HeldMessage> {
    yield* this.#tidemark.store.streamMessages(EMAIL);
  }

  async #hasSynced(): Promise<boolean> {
    return (await this.#tidemark.store.getMailbox(EMAIL))?.fullSync?.step === 'done';
  }

  async #untilSynced(hasEnded: () => boolean): Promise<void> {
    const deadline = clock.now() + PATIENCE;
    while (!(await this.#hasSynced())) {
      if (hasEnded()) return;
      if (clock.now() > deadline) throw new InvalidRunError(`Tidemark is not in sync after ${PATIENCE / 1_000} s`);
      await clock.sleep(LOOK);
    }
  }
}
