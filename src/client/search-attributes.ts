import type { Connection } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

/** temporal.api.enums.v1.IndexedValueType */
const INDEXED_VALUE_TYPES = { KEYWORD: 2, INT: 3 } as const;
const PAUSE = 200;
/** On PostgreSQL a new attribute is usable after some two seconds. */
const PATIENCE = 30_000;
/** One small call of each worker. */
const LOOKS_EVERY = 10_000;

interface Registration {
  readonly connection: Pick<Connection, 'operatorService'>;
  readonly namespace: string;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Makes the search attributes of Tidemark known to a namespace, and returns when the server lists them. Does nothing where they are known.
 * Two processes may do it at once: the server treats a second registration of the same type as done.
 *
 * @throws {Error} of gRPC's; `Attributes not usable` after 30 seconds
 * @see https://docs.temporal.io/search-attribute#custom-search-attribute
 */
export async function registerSearchAttributes(options: Registration): Promise<void> {
  const { connection, namespace, clock, signal } = options;
  const deadline = clock.now() + PATIENCE;
  for (;;) {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.filter(({ name }) => customAttributes?.[name] === undefined);
    if (missing.length === 0) return;
    if (clock.now() > deadline) throw new Error(`The search attributes ${missing.map(({ name }) => name).join(', ')} were registered, but do not become usable.`);
    const searchAttributes = Object.fromEntries(missing.map(({ name, type }) => [name, INDEXED_VALUE_TYPES[type]]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    await clock.sleep(PAUSE, signal);
  }
}

/**
 * Registers them again where a server has lost them (its database was replaced, or its namespace), until the signal aborts. A workflow that was started there by
 * a client that does not know them cannot show its phase: its task fails until they are known.
 */
export async function keepSearchAttributes(options: Registration & { readonly signal: AbortSignal }): Promise<void> {
  const { clock, signal } = options;
  while (!signal.aborted) {
    await clock.sleep(LOOKS_EVERY, signal).catch(() => undefined);
    // A server that does not answer, or does not let workers do it, is told of by what they do beside.
    if (!signal.aborted) await registerSearchAttributes(options).catch(() => undefined);
  }
}
