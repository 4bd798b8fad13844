import type { MemoryLimit } from '../host/memory-limit.ts';

/** What a worker needs beside its cached workflows while it stores mail, in bytes (docs/benchmarks.md). */
const WITHOUT_CACHE = 450e6;
/** What a cached workflow takes, in bytes. */
const CACHED_WORKFLOW = 0.3e6;
/** The part of a container's memory that the worker fills. The rest is for peaks. */
const OF_CONTAINER = 0.75;
/** The part of a machine's memory, on which there may be other workers, databases and the Temporal server. */
const OF_MACHINE = 0.25;
/** As many as every worker can hold. */
const LEAST = 300;
/** The thread that runs the workflows has a heap of some gigabytes. */
const MOST = 10_000;

/**
 * How many mailboxes' workflows a worker keeps in memory. Each other one is replayed from its history when it wakes,
 * which costs more than the poll that wakes it.
 */
export function cachedWorkflows({ bytes, isContainer }: MemoryLimit): number {
  const ours = bytes * (isContainer ? OF_CONTAINER : OF_MACHINE);
  return Math.min(MOST, Math.max(LEAST, Math.floor((ours - WITHOUT_CACHE) / CACHED_WORKFLOW)));
}
