import type { HistoryOperation, HistoryRecord, FetchedMessage } from '../../src/model/change.ts';
import type { Scope } from '../../src/model/settings.ts';
import { added, deleted, h, labelled, reading, unlabelled } from '../fixtures/store/contract-messages.ts';

/** What a message is at one moment. */
interface Version {
  readonly labels: readonly string[];
  readonly historyId: number;
}

export type Move =
  | { readonly kind: 'add'; readonly message: number; readonly labels: readonly string[]; readonly telling: boolean }
  | { readonly kind: 'delete'; readonly message: number }
  | { readonly kind: 'label' | 'unlabel'; readonly message: number; readonly label: string };

/**
 * The truth, at every moment: a mailbox at Gmail of a few messages, its history, and how it looked after each record.
 */
export class RemoteMailbox {
  readonly records: HistoryRecord[] = [];
  /** The state after so many records. */
  readonly #moments: ReadonlyMap<string, Version>[] = [new Map()];
  readonly #firstId: number;

  constructor(firstId: number) {
    this.#firstId = firstId;
  }

  get now(): number {
    return this.records.length;
  }

  /** The history id of a moment. Ids skip, as Gmail's do. */
  historyIdAt(moment: number): number {
    return this.#firstId + moment * 3;
  }

  /** Does what is possible of `move`, in one record. */
  make(move: Move): void {
    const id = `m${move.message}`;
    const before = this.at(this.now);
    const version = before.get(id);
    const operation = operationOf(move, id, version);
    if (operation === null) return;
    const historyId = this.historyIdAt(this.now + 1);
    const after = new Map(before);
    if (operation.kind === 'deleted') after.delete(id);
    else after.set(id, { labels: labelsAfter(version, move), historyId });
    this.records.push({ id: h(historyId), operations: [operation] });
    this.#moments.push(after);
  }

  at(moment: number): ReadonlyMap<string, Version> {
    return this.#moments[moment] ?? new Map<string, Version>();
  }

  /** What messages.get answers from a replica that is at `moment`; null for 404. */
  get(id: string, moment: number): FetchedMessage | null {
    const version = this.at(moment).get(id);
    return version === undefined ? null : reading(id, { labels: version.labels, at: version.historyId });
  }

  /** The ids of the messages in scope that a listing (of one label) shows now. Gmail lists trash only when asked. */
  list(scope: Scope, label?: string): readonly string[] {
    const all = [...this.at(this.now)].filter(([, { labels }]) => inScope(scope, { labels, label }));
    return all.map(([id]) => id);
  }

  /** The messages in scope with their labels, as a store must hold them now. */
  visible(scope: Scope): Readonly<Record<string, readonly string[]>> {
    const visible = [...this.at(this.now)].filter(([, { labels }]) => inScope(scope, { labels }));
    return Object.fromEntries(
      visible.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([id, version]) => [id, version.labels.toSorted()]),
    );
  }
}

/** The rule of the scope, written independently of the store's. */
function inScope(
  { labelIds }: Scope,
  { labels, label }: { labels: readonly string[]; label?: string | undefined },
): boolean {
  const inLabels = labelIds.length === 0 || labelIds.some((id) => labels.includes(id));
  return inLabels && !labels.includes('TRASH') && (label === undefined || labels.includes(label));
}

function operationOf(move: Move, id: string, version: Version | undefined): HistoryOperation | null {
  if (move.kind === 'add') return version === undefined ? added(id, move.telling ? move.labels : null) : null;
  if (version === undefined) return null;
  if (move.kind === 'delete') return deleted(id);
  const has = version.labels.includes(move.label);
  if (move.kind === 'label') return has ? null : labelled(id, move.label);
  return has ? unlabelled(id, move.label) : null;
}

function labelsAfter(version: Version | undefined, move: Move): readonly string[] {
  const labels = version?.labels ?? [];
  if (move.kind === 'add') return move.labels;
  if (move.kind === 'label') return [...labels, move.label];
  return move.kind === 'unlabel' ? labels.filter((label) => label !== move.label) : labels;
}
