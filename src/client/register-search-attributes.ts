import type { Connection } from '@temporalio/client';

import type { Clock } from '../model/clock.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/search-attributes.ts';

/** temporal.api.enums.v1.IndexedValueType */
const INDEXED_VALUE_TYPES = { KEYWORD: 2, INT: 3 } as const;
const PAUSE = 200;
/** With PostgreSQL a new attribute takes some two seconds to become usable. */
const PATIENCE = 30_000;
/** Each look costs one small call. */
const LOOKS_EVERY = 10_000;

/** Where search attributes are registered. */
export interface Registration {
  /** A connection whose credentials may change the namespace. */
  readonly connection: Pick<Connection, 'operatorService'>;
  /** The namespace. */
  readonly namespace: string;
  /** Time and pauses. */
  readonly clock: Clock;
  /** Ends the wait, with its reason as the error. */
  readonly signal?: AbortSignal;
}

/**
 * Registers Tidemark's search attributes in a namespace, and returns when the server lists them. Does nothing when it
 * lists them already. Two processes may do this at once: the server accepts a second registration of the same type.
 *
 * @param options - the connection and the namespace
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
    if (clock.now() > deadline)
      throw new Error(
        `The search attributes ${missing.map(({ name }) => name).join(', ')} were registered, ` +
          'but do not become usable.',
      );
    const searchAttributes = Object.fromEntries(missing.map(({ name, type }) => [name, INDEXED_VALUE_TYPES[type]]));
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
    await clock.sleep(PAUSE, signal);
  }
}

/**
 * Registers the attributes again when a server has lost them, until the signal aborts: its database or namespace may
 * have been replaced. Without the attributes a workflow cannot show its phase, and its task fails.
 */
export async function keepSearchAttributes(options: Registration & { readonly signal: AbortSignal }): Promise<void> {
  const { clock, signal } = options;
  while (!signal.aborted) {
    await clock.sleep(LOOKS_EVERY, signal).catch(() => undefined);
    // A server that does not answer or refuses also makes the worker's other calls fail, and those report it.
    if (!signal.aborted) await registerSearchAttributes(options).catch(() => undefined);
  }
}
