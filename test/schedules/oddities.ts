import type { MailboxSettings } from '../../src/model/settings.ts';
import type { Fault, FaultEffect } from '../../src/simulator/faults.ts';
import type { SimulatedMailbox } from '../../src/simulator/simulated-mailbox.ts';
import { Random } from '../fixtures/schedules/seeded-random.ts';
import {
  cellName,
  cellOf,
  denies,
  EXTENTS,
  lacksMessages,
  LISTS,
  METHODS,
  NAMING_HISTORY,
  REFUSALS,
  type Called,
  type Cell,
  type Extent,
} from './odd-answers.ts';
import type { World } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The liar that a cell needs, or null where any will do. */
function liarOf({ method, name, effect }: Cell): Liar | null {
  if (denies(method, name)) return 'gets';
  return lacksMessages(method, effect) ? 'listings' : null;
}

/**
 * Which of Gmail's answers may lie in a schedule. Every loss needs two independent witnesses, so no schedule lets two
 * of them tell the same lie at once:
 * - `listings`: listings leave messages out. Then no get says 404 for a message that exists, and no total is too low.
 * - `gets`: gets say 404 or 410 for messages that exist. Then every listing is complete.
 * - `totals`: totals are too low, so that they would confirm an incomplete listing. Then every listing is complete.
 *
 * Two more combinations are not drawn, because then two witnesses tell the same lie (docs/benchmarks.md):
 * - A history page that lacks records, if history lags, or more than once. The second witness of such a page is the
 *   next read, some 30 s later. If that one lacks the same records, whether they are late or left out, the mark passes
 *   them.
 * - A listing that lacks a message which was never stored, in a scope with an age or a limit. Gmail has no count of
 *   those, so nothing reveals that the message is missing. Stored messages are safe there:
 *   test/activities/lacking-pages.test.ts.
 */
type Liar = 'listings' | 'gets' | 'totals';

interface Drawn {
  readonly name: string;
  /** How often this oddity changed an answer. */
  strikes(): number;
  end(): void;
}

/**
 * Gmail's odd answers in one schedule. They have their own random generator, so that a seed is otherwise the same
 * schedule with and without them.
 */
export class Oddities {
  /** When the last oddity is over, in ms by the virtual clock. */
  until = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #liar: Liar;
  /** The seed's own cell. */
  readonly own: Cell;
  /** The cell that is still to be drawn; null afterwards. */
  #assigned: Cell | null;
  /** When it is drawn, unless one is drawn before; infinite afterwards. */
  #assignedAt: number;
  /** Rarely days, because each poll of a day costs real time (ms). */
  readonly #longest: number;
  readonly #drawn: Drawn[] = [];
  /** The oddities that make listings lack messages. */
  readonly #lacking: Drawn[] = [];

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#random = new Random(seed ^ 0x0dd);
    const drawn = this.#random.pick(['listings', 'listings', 'gets', 'totals'] as const);
    this.own = cellOf(seed);
    this.#assigned = this.own;
    this.#liar = liarOf(this.own) ?? drawn;
    this.#longest = this.#random.chance(0.1) ? 2 * DAY : 30 * MINUTE;
    this.#assignedAt = world.clock.now() + this.#random.below(10_000);
  }

  /** Whether one is to be drawn now: with this probability, and when the seed's own is due. */
  isDue(probability: number): boolean {
    if (this.#world.clock.now() < this.#assignedAt) return this.chance(probability);
    this.#assignedAt = Number.POSITIVE_INFINITY;
    return true;
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  /** Draws one oddity, which begins now. Draws none if the rules do not allow it. The first is the seed's own cell. */
  async draw(settings: MailboxSettings): Promise<void> {
    const hasAge = isUncounted(settings);
    if (this.#assigned !== null && this.#answer(this.#assigned, hasAge)) {
      this.#assigned = null;
      return;
    }
    const dice = this.#random.next();
    if (dice < 0.35) this.#refuse();
    else if (dice < 0.45) this.#refuseTokens();
    else if (dice < 0.65) this.#spoilPages(hasAge);
    else if (dice < 0.8) await this.#omit(hasAge);
    else if (dice < 0.9) this.#hideLabel();
    else if (dice < 0.93) this.#deleteLabel();
    else if (dice < 0.96) this.#miscount();
    else if (dice < 0.98) this.#chat();
    else this.#replaceFields();
  }

  /** Ends incomplete listings if the new scope has an age or a limit: see {@link Liar}. */
  configured(settings: MailboxSettings): void {
    if (isUncounted(settings)) for (const one of this.#lacking) one.end();
  }

  /** Ends all oddities: Gmail answers as documented again. */
  end(): void {
    for (const one of this.#drawn) one.end();
  }

  /** Whether a listing has left out messages that it should have shown. */
  get listingsLacked(): boolean {
    return this.#lacking.some((one) => one.strikes() > 0);
  }

  /** How often each oddity changed an answer; 0 if it was drawn in vain. */
  met(): ReadonlyMap<string, number> {
    const met = new Map<string, number>();
    for (const one of this.#drawn) met.set(one.name, (met.get(one.name) ?? 0) + one.strikes());
    return met;
  }

  #refuse(): void {
    const answered = this.#random.pick(REFUSALS);
    const method = this.#random.pick(METHODS);
    this.#answer({ ...answered, method, extent: this.#random.pick(EXTENTS) }, false);
  }

  /** @returns false if the rules do not allow it now */
  #answer(cell: Cell, hasAge: boolean): boolean {
    const { method, name, effect, extent } = cell;
    if (denies(method, name) && this.#liar !== 'gets') return false;
    const lacks = lacksMessages(method, effect);
    if (lacks && (hasAge || this.#liar !== 'listings')) return false;
    this.#fault(name, { match: { method }, effect }, extent);
    if (lacks) this.#lacking.push(...this.#drawn.slice(-1));
    return true;
  }

  /** Only invalid_grant proves that a grant was withdrawn. Each draw makes one answer, because one is no proof. */
  #refuseTokens(): void {
    if (this.#random.chance(0.2))
      return this.#fault(
        'invalid_grant',
        { match: { method: 'token' }, effect: { kind: 'status', status: 400, reason: 'invalid_grant' } },
        'once',
      );
    const statuses = [400, 401, 403, 404, 410, 500, 503].map((status): FaultEffect => ({ kind: 'status', status }));
    const effect = this.#random.pick<FaultEffect>([
      ...statuses,
      { kind: 'empty-object' },
      { kind: 'intercept', status: 404 },
    ]);
    this.#fault('refused tokens', { match: { method: 'token' }, effect }, this.#random.pick(EXTENTS));
  }

  #spoilPages(hasAge: boolean): void {
    const kind = this.#random.pick(['empty-page', 'cut-page', 'repeat-token', 'empty-object'] as const);
    const method: Called = kind === 'empty-object' ? this.#random.pick(METHODS) : this.#random.pick(LISTS);
    const isHistory = method === 'history.list' && (kind === 'empty-page' || kind === 'cut-page');
    if (
      isHistory &&
      (this.#world.gmail.lag.historyMs > 0 || this.#drawn.some(({ name }) => name.startsWith('history page')))
    )
      return;
    if (isHistory) this.#fault(`history page: ${kind}`, { match: { method }, effect: { kind } }, 'once');
    else this.#answer({ name: kind, method, effect: { kind }, extent: this.#random.pick(EXTENTS) }, hasAge);
  }

  async #omit(hasAge: boolean): Promise<void> {
    if (this.#liar !== 'listings') return;
    const { gmail, stores, mailbox } = this.#world;
    const ids = gmail.truth({ includeSpamTrash: true }).map(({ id, labelIds }) => ({ id, labelIds }));
    if (ids.length === 0) return;
    const { id, labelIds } = this.#random.pick(ids);
    if (hasAge && !(await isStored(stores.store, mailbox, id))) return;
    const label = labelIds.length === 0 ? null : this.#random.pick(labelIds);
    const from = this.#random.pick(
      label === null ? (['listing', 'all'] as const) : (['listing', 'all', `label:${label}`] as const),
    );
    const until = this.#end();
    const omission = gmail.omissions.add({ messageId: id, from, until });
    const drawn: Drawn = {
      name: `omitted from ${from.replace(/:.*/, '')}`,
      strikes: () => omission.strikes,
      end: () => omission.remove(),
    };
    this.#lacking.push(drawn);
    this.#drawn.push(drawn);
  }

  #hideLabel(): void {
    const { gmail } = this.#world;
    const label = this.#random.pick(gmail.labels());
    const get = this.#random.pick(['answers', 'missing'] as const);
    gmail.labelBook.unlist(label.id, { get, until: this.#end() });
    this.#drawn.push({
      name: `label unlisted, get ${get}`,
      strikes: () => 1,
      end: () => gmail.labelBook.relist(label.id),
    });
  }

  #deleteLabel(): void {
    const { gmail } = this.#world;
    const own = gmail.labels().filter(({ type }) => type === 'user');
    if (own.length === 0) return;
    gmail.deleteLabel(this.#random.pick(own).id, { silent: true });
    this.#drawn.push({ name: 'label deleted silently', strikes: () => 1, end: () => undefined });
  }

  #miscount(): void {
    const { gmail, clock } = this.#world;
    const label = this.#random.pick(gmail.labels()).id;
    const isOfLabel = this.#random.chance(0.5);
    const isLiar = this.#liar === 'totals';
    // Spam and trash are taken off the profile's total: too many of them lower what the scope seems to hold.
    const isTakenOff = isOfLabel && (label === 'SPAM' || label === 'TRASH');
    if (isTakenOff && !isLiar) return;
    const sign = isTakenOff ? this.#random.pick([-1, 1] as const) : isLiar ? -1 : 1;
    const by = (1 + this.#random.below(3)) * sign;
    if (isOfLabel) gmail.totalsOff.labels[label] = by;
    else gmail.totalsOff.profile = by;
    const end = (): void => forgetTotals(gmail);
    void clock.sleep(this.#end() - clock.now()).then(end);
    this.#drawn.push({ name: `total ${by < 0 ? 'too low' : 'too high'}`, strikes: () => 1, end });
  }

  /** Adds a chat, whose raw form is missing or cut off for good. */
  #chat(): void {
    const { gmail } = this.#world;
    gmail.chats.raw = this.#random.pick(['missing', 'cut'] as const);
    gmail.insert({ raw: `Subject: chat\r\n\r\nsee you at ${this.#random.next()}`, labelIds: ['CHAT'] });
    this.#drawn.push({ name: `chat, raw ${gmail.chats.raw}`, strikes: () => 1, end: () => undefined });
  }

  #replaceFields(): void {
    if (this.#random.chance(0.2)) {
      const effect: FaultEffect = { kind: 'replace', fields: { size: 0 }, without: ['data'] };
      this.#fault(
        'empty attachment',
        { match: { method: 'messages.attachments.get' }, effect },
        this.#random.pick(EXTENTS),
      );
      return;
    }
    const fields = this.#random.pick<Record<string, unknown>>([
      { sizeEstimate: 1.5 },
      { sizeEstimate: 1e30 },
      { internalDate: 'x' },
      { historyId: '18446744073709551615' },
      { historyId: '9223372036854775807' },
      { labelIds: 'INBOX' },
      { payload: { parts: {} } },
      { raw: '!' },
    ]);
    const method = 'historyId' in fields ? this.#random.pick(NAMING_HISTORY) : 'messages.get';
    this.#fault(
      `replaced ${Object.keys(fields).join()}`,
      { match: { method }, effect: { kind: 'replace', fields } },
      this.#random.pick(EXTENTS),
    );
  }

  #fault(name: string, fault: Fault, extent: Extent): void {
    const { simulator, clock } = this.#world;
    const until = clock.now() + 10 * MINUTE;
    if (extent === 'ten minutes') this.until = Math.max(this.until, until);
    const added = simulator.faults.add({
      ...fault,
      ...(extent === 'ten minutes' ? { until } : { times: extent === 'once' ? 1 : 2 }),
    });
    this.#drawn.push({
      name: cellName({ name, method: fault.match?.method ?? 'any method', extent }),
      strikes: () => added.strikes,
      end: () => added.remove(),
    });
  }

  /** When an oddity ends: minutes from now, or up to `#longest`. */
  #end(): number {
    const until =
      this.#world.clock.now() + 2 * MINUTE + this.#random.below(this.#random.chance(0.5) ? this.#longest : 5 * MINUTE);
    this.until = Math.max(this.until, until);
    return until;
  }
}

async function isStored(store: World['stores']['store'], mailbox: World['mailbox'], id: string): Promise<boolean> {
  if ((await store.getMailbox(mailbox)) === null) return false;
  for await (const message of store.streamMessages(mailbox)) if (message.id === id) return true;
  return false;
}

/** Whether Gmail has no count of the scope's messages. */
const isUncounted = ({ scope }: MailboxSettings): boolean => scope.after !== null || scope.limit !== null;

function forgetTotals({ totalsOff }: SimulatedMailbox): void {
  totalsOff.profile = 0;
  totalsOff.labels = {};
}
