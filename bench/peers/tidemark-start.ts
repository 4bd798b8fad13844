import { mkdirSync, openSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { loadConfig } from '../../src/config/config.ts';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import { openStoresOf } from '../../src/storage/open-stores.ts';
import { closeStores } from '../../src/store/open-store.ts';
import { holdsParts } from '../../test/fixtures/schedules/compare-parts.ts';
import { sourceFile, startProgram } from '../bench-processes.ts';
import type { HeldMessage, MailCopy, Peer, Place, RunningSync } from './peer.ts';
import { runningProgram } from './running-program.ts';
import { EMAIL } from './shared-gmail.ts';
import { tidemarkEnvironment } from './tidemark-environment.ts';

const HIDING = new Set(['SPAM', 'TRASH']);

/** Tidemark as a person runs it: one command, which starts the Temporal server, too. All settings are the defaults. */
export const tidemarkStart: Peer = {
  name: 'npm start -- --once',
  about: 'with its Temporal server, SQLite, format full, without spam and trash',
  onlyFirstSync: true,
  keepsMessage: (labelIds) => !labelIds.some((label) => HIDING.has(label)),
  keepsLabel: () => true,
  isBodyOf: (body, raw) => holdsParts(body, raw, false),
  open: (place) => StartedCopy.open(place),
};

class StartedCopy implements MailCopy {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#env = env;
  }

  static async open({ folder, gmail }: Place): Promise<StartedCopy> {
    // What the set-up downloads once is there already.
    mkdirSync(join(folder, 'bin'));
    symlinkSync(join(sourceFile('.tidemark'), 'bin', 'temporal'), join(folder, 'bin', 'temporal'));
    const env = tidemarkEnvironment(folder, gmail);
    const config = loadConfig({ env });
    const stores = await openStoresOf(config);
    const text = await gmail.credentials();
    await connectMailbox({ config, stores, mailbox: EMAIL, clock, text, verify: false });
    await closeStores(stores);
    return new StartedCopy(folder, env);
  }

  async sync(): Promise<RunningSync> {
    const log = openSync(join(this.#folder, 'out.txt'), 'a');
    return runningProgram(startProgram('src/start/main.ts', { args: ['--once'], env: this.#env, log }));
  }

  async *held(): AsyncIterable<HeldMessage> {
    const stores = await openStoresOf(loadConfig({ env: this.#env }));
    try {
      yield* stores.store.streamMessages(EMAIL);
    } finally {
      await closeStores(stores);
    }
  }
}
