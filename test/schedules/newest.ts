import { inScope, type MailboxSettings } from '../../src/model/settings.ts';
import type { LimitBounds } from '../fixtures/schedules/compare.ts';
import type { MailboxRow } from '../../src/store/rows/mailbox-row.ts';
import type { World } from './world.ts';

interface Seen {
  readonly id: string;
  readonly internalDate: number;
  readonly labelIds: readonly string[];
}

interface Arrival {
  /** The generation whose listing had ended when it arrived; null when none had. */
  readonly listed: number | null;
}

/** No index lags longer (ms). */
const LONGEST_LAG = 40_000;

/**
 * What a limit of the scope promises: the newest messages of the first listing, and all that arrive later. Only the
 * moment of the listing says which messages are the newest, so this knows a lower and an upper bound. Once the first
 * listing of a scope and its relisting have ended, neither changes: no later listing finds the newest again.
 *
 * - A message must be held if it was in scope all the time, and newer than the oldest of the newest at each moment at
 *   which the first listing can have looked. So must one that arrived when a listing had ended.
 * - A message may be held if it is as new as the oldest of the newest was at some such moment, or has arrived since.
 */
export class Newest implements LimitBounds {
  readonly #world: World;
  readonly #generation: () => number;
  readonly #listingsLacked: () => boolean;
  #settings: MailboxSettings;
  /** What Gmail held at the last looks, oldest first. */
  #states: { readonly at: number; readonly messages: readonly Seen[] }[] = [];
  /** The oldest date that a first listing so far can have let in; infinite in the future before the first look. */
  #lowest = Number.POSITIVE_INFINITY;
  /** The newest date that the oldest of the newest messages had while the listing went on. */
  #highest = Number.NEGATIVE_INFINITY;
  /** In scope at each look since the settings were given, or since they arrived. */
  #steady: ReadonlySet<string> = new Set();
  readonly #arrivals = new Map<string, Arrival>();
  /** The scope, and its bounds, whose first listing has ended, and the relisting after it. */
  #settled: { readonly scope: string; readonly highest: number } | null = null;
  #hadSeveralLabels: boolean;

  /**
   * @param options.generation - the mailbox's present generation
   * @param options.listingsLacked - whether a listing has ever left out messages that it should have shown
   */
  constructor(
    world: World,
    { generation, listingsLacked }: { readonly generation: () => number; readonly listingsLacked: () => boolean },
  ) {
    this.#listingsLacked = listingsLacked;
    this.#world = world;
    this.#settings = world.settings;
    this.#hadSeveralLabels = world.settings.scope.labelIds.length > 1;
    this.#generation = generation;
  }

  mayLack(id: string): boolean {
    if (this.#settings.scope.limit === null) return false;
    const message = this.#states.at(-1)?.messages.find((one) => one.id === id);
    if (message === undefined || !this.#steady.has(id)) return true;
    const listed = this.#arrivals.get(id)?.listed ?? null;
    if (listed !== null && listed === this.#generation()) return false;
    return message.internalDate <= this.#highest;
  }

  mayHold(id: string): boolean {
    const { gmail } = this.#world;
    // A listing that lags behind, or leaves messages out, may let in older ones instead. One over several labels goes
    // down in each to the last place that was known in any.
    if (gmail.lag.listMs > 0 || this.#hadSeveralLabels || this.#listingsLacked()) return true;
    const message = this.#states.at(-1)?.messages.find((one) => one.id === id);
    return message === undefined || message.internalDate >= this.#lowest || this.#arrivals.has(id);
  }

  configured(settings: MailboxSettings): void {
    this.#settings = settings;
    this.#hadSeveralLabels ||= settings.scope.labelIds.length > 1;
    this.#highest =
      this.#settled?.scope === JSON.stringify(settings.scope)
        ? this.#settled.highest
        : Math.max(...this.#states.map(({ messages }) => this.#floorOf(messages)));
    this.#steady = new Set(this.#inScope(this.#states.at(-1)?.messages ?? []).map(({ id }) => id));
  }

  /** Call after each change at Gmail, before time passes. */
  async look(): Promise<void> {
    const { gmail, clock } = this.#world;
    const messages: readonly Seen[] = [...gmail.all()].map(({ id, internalDate, current }) => ({
      id,
      internalDate,
      labelIds: current.labelIds,
    }));
    const before = this.#states.at(-1);
    const row = await this.#world.stores.store.getMailbox(this.#world.mailbox);
    const listed = this.#listedGeneration(row);
    this.#widen(row, messages);
    const present = new Set(this.#inScope(messages).map(({ id }) => id));
    const known = new Set(before?.messages.map(({ id }) => id));
    const arrived = messages.map(({ id }) => id).filter((id) => before !== undefined && !known.has(id));
    for (const id of arrived) this.#arrivals.set(id, { listed });
    const candidates = before === undefined ? present : new Set([...this.#steady, ...arrived]);
    this.#steady = new Set([...candidates].filter((id) => present.has(id)));
    this.#states = [...this.#states.filter(({ at }) => at > clock.now() - LONGEST_LAG), { at: clock.now(), messages }];
  }

  /** Widens the bounds by what a first listing of a scope may see now. */
  #widen(row: MailboxRow | null, messages: readonly Seen[]): void {
    // A listing that is under way goes by the limit that it began with, until the next one replaces it.
    const scopes = [this.#settings.scope, row?.settings.scope ?? this.#settings.scope];
    const [configured, begun] = scopes.map((scope) => JSON.stringify(scope));
    if (this.#settled?.scope !== begun) this.#settled = null;
    if (this.#settled?.scope !== configured) {
      const seen = [...this.#states.map((state) => state.messages), messages];
      this.#highest = Math.max(this.#highest, ...seen.map((state) => this.#floorOf(state)));
      this.#lowest = Math.min(this.#lowest, ...scopes.map((scope) => this.#floorOf(messages, scope)));
    }
    if (row !== null && configured === begun && configured !== undefined && isSettled(row))
      this.#settled ??= { scope: configured, highest: this.#highest };
  }

  /** The generation whose listing has ended under the present settings; null before. */
  #listedGeneration(row: MailboxRow | null): number | null {
    const isEnded = row?.fullSync?.step === 'fetching' || row?.fullSync?.step === 'done';
    if (row === null || !isEnded || row.generation !== this.#generation()) return null;
    return JSON.stringify(row.settings.scope) === JSON.stringify(this.#settings.scope) ? row.generation : null;
  }

  #inScope(messages: readonly Seen[], scope = this.#settings.scope): readonly Seen[] {
    return messages.filter((message) => inScope(scope, message));
  }

  /**
   * The date of the oldest message within the limit; infinite in the past when there are fewer messages. A limit holds
   * for each label: of several labels the newest such date, so that newer messages are within the limit of any.
   */
  #floorOf(messages: readonly Seen[], scope = this.#settings.scope): number {
    const { limit, labelIds } = scope;
    if (limit === null) return Number.NEGATIVE_INFINITY;
    const inside = this.#inScope(messages, scope);
    const floorAmong = (listed: readonly Seen[]): number =>
      listed.map(({ internalDate }) => internalDate).toSorted((a, b) => b - a)[limit - 1] ?? Number.NEGATIVE_INFINITY;
    if (labelIds.length === 0) return floorAmong(inside);
    return Math.max(...labelIds.map((label) => floorAmong(inside.filter((one) => one.labelIds.includes(label)))));
  }
}

/** Whether the first listing of the scope has ended, and the relisting after it. */
function isSettled({ fullSync, relistAt, doubt }: MailboxRow): boolean {
  const hasEnded = fullSync?.step === 'fetching' || fullSync?.step === 'done';
  return hasEnded && fullSync.isFloorBelow !== true && (relistAt === null || doubt !== null);
}
