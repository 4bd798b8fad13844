import { readdirSync, readFileSync } from 'node:fs';
import { systemClock as clock } from '../../src/host/system-clock.ts';
import { memoryOf } from '../bench-processes.ts';

export interface Cost {
  /** Processor seconds, user and system, of a process and its children. */
  readonly cpu: number;
  /** Those before {@link ProcessCosts.mark}. */
  readonly cpuBefore: number;
  /** Megabytes (10^6 bytes) resident at most: of the process, or of all together where the children had more. */
  readonly megabytes: number;
}

/** Ms between two looks. What a program uses after the last look, at its very end, is not counted. */
const LOOK = 100;
const TICKS_PER_SECOND = 100;

/** Watches running processes with their children, through Linux's /proc. */
export class ProcessCosts {
  readonly #roots: Readonly<Record<string, number>>;
  readonly #seen: Record<string, Cost> = {};
  readonly #before: Readonly<Record<string, number>>;
  readonly #over = new AbortController();
  readonly #watching: Promise<void>;

  /** @param roots - process ids, by name. What they used before is not counted */
  constructor(roots: Readonly<Record<string, number>>) {
    this.#roots = roots;
    const children = childrenOfAll();
    this.#before = Object.fromEntries(Object.entries(roots).map(([name, pid]) => [name, cpuOf(treeOf(pid, children))]));
    this.#watching = this.#watch();
  }

  /** Divides what is counted into what comes before and what comes after. */
  mark(): void {
    this.#look();
    for (const [name, cost] of Object.entries(this.#seen)) this.#seen[name] = { ...cost, cpuBefore: cost.cpu };
  }

  async stop(): Promise<Readonly<Record<string, Cost>>> {
    this.#look();
    this.#over.abort();
    await this.#watching;
    return this.#seen;
  }

  async #watch(): Promise<void> {
    while (!this.#over.signal.aborted) {
      this.#look();
      await clock.sleep(LOOK, this.#over.signal).catch(() => undefined);
    }
  }

  #look(): void {
    const children = childrenOfAll();
    for (const [name, root] of Object.entries(this.#roots)) {
      const tree = treeOf(root, children);
      const before = this.#seen[name] ?? { cpu: 0, cpuBefore: 0, megabytes: 0 };
      const together = tree.reduce((sum, pid) => sum + (memoryOf(pid).now || 0), 0);
      this.#seen[name] = {
        cpuBefore: before.cpuBefore,
        cpu: Math.max(before.cpu, cpuOf(tree) - (this.#before[name] ?? 0)),
        megabytes: Math.max(before.megabytes, together, memoryOf(root).peak || 0),
      };
    }
  }
}

/** The process ids of all processes' children. */
function childrenOfAll(): ReadonlyMap<number, readonly number[]> {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? Number(statOf(pid)[1]) : Number.NaN;
    if (!Number.isInteger(parent)) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  return children;
}

function treeOf(root: number, children: ReadonlyMap<number, readonly number[]>): readonly number[] {
  return [root, ...(children.get(root) ?? []).flatMap((child) => treeOf(child, children))];
}

/** In seconds, with what ended children used: it counts as their parent's from their end on. */
function cpuOf(pids: readonly number[]): number {
  const ticks = pids.flatMap((pid) => statOf(pid).slice(11, 15).map(Number));
  return ticks.reduce((sum, value) => sum + value, 0) / TICKS_PER_SECOND;
}

/** The fields of /proc/PID/stat after the name; empty when the process has ended. */
function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code))) return [];
    throw error;
  }
}
