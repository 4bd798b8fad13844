import type { MailboxSettings } from '../../src/model/settings.ts';
import type { Fault, FaultEffect, FaultMatch } from '../../src/simulator/faults.ts';
import type { SimulatedMailbox } from '../../src/simulator/simulated-mailbox.ts';
import { Random } from '../fixtures/schedules/seeded-random.ts';
import type { World } from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Method = NonNullable<FaultMatch['method']>;
type Extent = 'once' | 'twice' | 'ten minutes';

const EXTENTS: readonly Extent[] = ['once', 'twice', 'ten minutes'];
/**
 * The methods that the engine calls. Refusals of tokens are drawn separately: they can prove that a grant has ended.
 */
const METHODS = [
  'getProfile',
  'labels.list',
  'labels.get',
  'messages.list',
  'messages.get',
  'messages.attachments.get',
  'threads.get',
  'history.list',
  'watch',
  'batch',
] as const satisfies Method[];
const LISTS = ['messages.list', 'history.list', 'labels.list'] as const satisfies Method[];

const REFUSALS: readonly { readonly name: string; readonly effect: FaultEffect }[] = [
  { name: '400', effect: { kind: 'status', status: 400 } },
  { name: '400 not enabled', effect: { kind: 'status', status: 400, message: 'Mail service not enabled' } },
  { name: '401', effect: { kind: 'status', status: 401 } },
  { name: '403', effect: { kind: 'status', status: 403 } },
  { name: '403 not configured', effect: { kind: 'status', status: 403, reason: 'accessNotConfigured' } },
  { name: '403 domain policy', effect: { kind: 'status', status: 403, reason: 'domainPolicy' } },
  { name: '404', effect: { kind: 'status', status: 404 } },
  { name: '404 in HTML', effect: { kind: 'intercept', status: 404 } },
  { name: '410', effect: { kind: 'status', status: 410 } },
  { name: '500', effect: { kind: 'status', status: 500 } },
  { name: '500 in HTML', effect: { kind: 'intercept', status: 500 } },
];

/**
 * Which of Gmail's answers may lie in a schedule. Every loss needs two independent witnesses, so no schedule lets two
 * of them tell the same lie at once:
 * - `listings`: listings leave messages out. Then no get says 404 for a message that exists, and no total is too low.
 * - `gets`: gets say 404 or 410 for messages that exist. Then every listing is complete.
 * - `totals`: totals are too low, so that they would confirm an incomplete listing. Then every listing is complete.
 *
 * Two more combinations are not drawn:
 * - A history page that lacks records, if history lags, or more than once. The second witness of such a page is the
 *   next read, some 30 s later.
 * - A listing that lacks a message which was never stored, in a scope with an age. Gmail has no count by age, so
 *   nothing reveals that the message is missing.
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
  /** Rarely days, because each poll of a day costs real time (ms). */
  readonly #longest: number;
  readonly #drawn: Drawn[] = [];
  /** The oddities that make listings lack messages. */
  readonly #lacking: Drawn[] = [];

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#random = new Random(seed ^ 0x0dd);
    this.#liar = this.#random.pick(['listings', 'listings', 'gets', 'totals'] as const);
    this.#longest = this.#random.chance(0.1) ? 2 * DAY : 30 * MINUTE;
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.#random.chance(probability);
  }

  /** Draws one oddity, which begins now. Draws none if the rules do not allow it. */
  async draw(settings: MailboxSettings): Promise<void> {
    const dice = this.#random.next();
    const hasAge = settings.scope.after !== null;
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

  /** Ends incomplete listings if the new scope has an age: see {@link Liar}. */
  configured({ scope }: MailboxSettings): void {
    if (scope.after !== null) for (const one of this.#lacking) one.end();
  }

  /** Ends all oddities: Gmail answers as documented again. */
  end(): void {
    for (const one of this.#drawn) one.end();
  }

  /** How often each oddity changed an answer; 0 if it was drawn in vain. */
  met(): ReadonlyMap<string, number> {
    const met = new Map<string, number>();
    for (const one of this.#drawn) met.set(one.name, (met.get(one.name) ?? 0) + one.strikes());
    return met;
  }

  #refuse(): void {
    const { name, effect } = this.#random.pick(REFUSALS);
    const method = this.#random.pick(METHODS);
    const denies = method === 'messages.get' || method === 'threads.get';
    if (denies && this.#liar !== 'gets' && /^4(04|10)/.test(name)) return;
    this.#fault(name, { match: { method }, effect }, this.#random.pick(EXTENTS));
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
    const method = kind === 'empty-object' ? this.#random.pick(METHODS) : this.#random.pick(LISTS);
    const lacks = method === 'messages.list' && kind !== 'repeat-token';
    if (lacks && (hasAge || this.#liar !== 'listings')) return;
    const isHistory = method === 'history.list' && (kind === 'empty-page' || kind === 'cut-page');
    if (
      isHistory &&
      (this.#world.gmail.lag.historyMs > 0 || this.#drawn.some(({ name }) => name.startsWith('history page')))
    )
      return;
    if (isHistory) this.#fault(`history page: ${kind}`, { match: { method }, effect: { kind } }, 'once');
    else this.#fault(kind, { match: { method }, effect: { kind } }, this.#random.pick(EXTENTS));
    if (lacks) this.#lacking.push(...this.#drawn.slice(-1));
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
    const by = (1 + this.#random.below(3)) * (this.#liar === 'totals' ? -1 : 1);
    const label = this.#random.pick(gmail.labels()).id;
    const isOfLabel = this.#random.chance(0.5);
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
      { labelIds: 'INBOX' },
      { payload: { parts: {} } },
      { raw: '!' },
    ]);
    this.#fault(
      `replaced ${Object.keys(fields).join()}`,
      { match: { method: 'messages.get' }, effect: { kind: 'replace', fields } },
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
      name: `${name} at ${fault.match?.method ?? 'any method'}, ${extent}`,
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

function forgetTotals({ totalsOff }: SimulatedMailbox): void {
  totalsOff.profile = 0;
  totalsOff.labels = {};
}
