import { addAbortListener } from 'node:events';

import type { Command } from 'commander';

import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import type { Stores } from '../store/open-store.ts';
import type { Deliveries } from '../client/stored-deliveries.ts';
import type { TidemarkWithStores } from '../app/open-with-stores.ts';
import type { Reader } from '../reading/index.ts';
import type { Keyboard, Terminal } from '../host/terminal.ts';
import { parseEmail } from './arguments.ts';
import { Output } from './output.ts';
import { orRenamed } from './renamed.ts';

/** What every verb is given. */
export interface Cli {
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  /** Where a person answers questions. Nothing is asked when it is missing, or is not a terminal. */
  readonly stdin?: Keyboard;
}

export interface VerbContext extends Cli {
  readonly config: Config;
  readonly out: Output;
}

export interface VerbOptions {
  readonly json?: boolean;
}

/** What the help of a verb shows beside its summary, which `verbs.ts` has. */
export interface VerbDescription {
  readonly examples: readonly string[];
}

/** A verb of the command line: every one takes `--json`, and its help shows how it is used. */
export function verb(program: Command, name: string, { examples }: VerbDescription): Command {
  return program
    .command(name)
    .option('--json', 'print one JSON document; errors go to stderr as JSON')
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ ${example}`).join('\n')}`);
}

/** A verb about one mailbox, named by its e-mail address. */
export function mailboxVerb(program: Command, name: string, description: VerbDescription): Command {
  return verb(program, name, description).argument('<email>', 'the mailbox', parseEmail);
}

/** Reads the configuration. Its code is loaded here, because help and most usage errors need neither. */
export async function contextOf(cli: Cli, { json = false }: VerbOptions): Promise<VerbContext> {
  const { loadConfig } = await import('../config/config.ts');
  return {
    ...cli,
    config: loadConfig({ env: cli.env }),
    out: new Output({ stdout: cli.stdout, stderr: cli.stderr, json }),
  };
}

/** Whether a verb makes a store where there is none. A store in memory is gone when the verb ends. */
interface StoreCreation {
  readonly create?: boolean | 'in-memory';
}

/**
 * Runs a verb that needs the stores and Temporal, and closes both in the end. Their code is loaded here, because some
 * verbs need neither.
 *
 * @param options.create - whether the verb makes a store where there is none; only verbs that connect mailboxes do
 * @throws {StoreError} when there is no store, and the verb makes none
 */
export async function withTidemark<Result>(
  cli: Cli,
  options: VerbOptions,
  run: (context: VerbContext & { tidemark: TidemarkWithStores }) => Promise<Result>,
  { create = false }: StoreCreation = {},
): Promise<Result> {
  const context = await contextOf(cli, options);
  const { openWithStores } = await import('../app/open-with-stores.ts');
  const tidemark = await openWithStores({ config: context.config, clock: cli.clock, create });
  try {
    return await run({ ...context, tidemark });
  } catch (error) {
    throw await orRenamed(error, tidemark.store);
  } finally {
    await tidemark.close();
  }
}

/**
 * Runs a verb that needs the stores, and Temporal where it answers. The stores must already exist.
 *
 * @param run - `tidemark` is null when no Temporal server answers
 */
export async function withStoresAndTemporal<Result>(
  cli: Cli,
  options: VerbOptions,
  run: (context: VerbContext & { stores: Stores; tidemark: TidemarkWithStores | null }) => Promise<Result>,
): Promise<Result> {
  const { ServerUnreachableError } = await import('../client/errors.ts');
  let answered = false;
  try {
    return await withTidemark(cli, options, (context) => {
      answered = true;
      return run({ ...context, stores: context.tidemark });
    });
  } catch (error) {
    if (answered || !(error instanceof ServerUnreachableError)) throw error;
    return withStores(cli, options, (context) => run({ ...context, tidemark: null }));
  }
}

/**
 * Runs a verb that needs the stores and no Temporal server.
 *
 * @param options.create - as for {@link withTidemark}
 * @throws {StoreError} when there is no store, and the verb makes none
 */
export async function withStores<Result>(
  cli: Cli,
  options: VerbOptions,
  run: (context: VerbContext & { stores: Stores }) => Promise<Result>,
  { create = false }: StoreCreation = {},
): Promise<Result> {
  const context = await contextOf(cli, options);
  const [{ openStoresOf }, { closeStores }] = await Promise.all([
    import('../storage/open-stores.ts'),
    import('../store/open-store.ts'),
  ]);
  const stores = await openStoresOf(context.config, { create });
  try {
    return await run({ ...context, stores });
  } catch (error) {
    throw await orRenamed(error, stores.store);
  } finally {
    await closeStores(stores);
  }
}

/** Runs a verb about subscriptions that wakes no mailbox, and so needs no Temporal server. */
export async function withDeliveries<Result>(
  cli: Cli,
  options: VerbOptions,
  run: (context: VerbContext & { deliveries: Deliveries }) => Promise<Result>,
): Promise<Result> {
  const { deliveriesIn } = await import('../app/open-deliveries.ts');
  return withStores(cli, options, (context) =>
    run({ ...context, deliveries: deliveriesIn(context.config, context.stores, cli.clock) }),
  );
}

/** Runs a verb that only reads mail, from a store that already exists. It creates and changes nothing. */
export async function withReader<Result>(
  cli: Cli,
  options: VerbOptions,
  run: (context: VerbContext & { reader: Reader }) => Promise<Result>,
): Promise<Result> {
  const context = await contextOf(cli, options);
  const { openReader } = await import('../reading/index.ts');
  const { location } = context.config.database;
  const reader = await openReader({ database: location, bodies: context.config.bodies });
  try {
    return await run({ ...context, reader });
  } finally {
    await reader.close();
  }
}

/** Resolves when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    addAbortListener(signal, () => resolve());
  });
}
