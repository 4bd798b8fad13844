import { compareHistoryIds, historyId, type HistoryId } from '../../src/model/ids.ts';
import { inScope, type MailboxSettings } from '../../src/model/settings.ts';
import { fromHistoryIdText } from '../../src/store/engines/history-id-text.ts';
import type { StoreDatabase } from '../../src/store/engines/store-database.ts';
import type { Newest } from './newest.ts';
import type { World } from './world.ts';

/** What the sweeps of a schedule, or of many, dropped. */
export interface DroppedCounts {
  /** Bodies that housekeeping dropped. */
  readonly bodies: number;
  /** Those among them whose message had come back to Gmail after it was rightly called gone. */
  readonly returned: number;
  /** Those whose message Gmail still had. */
  readonly wrong: number;
}

/** No index of a schedule's Gmail lags longer (ms). */
const LONGEST_LAG = 40_000;

/** What Gmail had at a look, in any scope, and its head. */
interface Look {
  readonly ids: ReadonlySet<string>;
  readonly head: HistoryId;
}

/** A message that the store calls gone: since when, and the last history id that it knows of the message. */
interface Burial {
  readonly at: number;
  readonly historyId: HistoryId | null;
}

/**
 * Measures which bodies housekeeping drops: each sweep compares the messages whose bodies vanish with what Gmail then
 * has within the configured scope. One that Gmail has is wrong, unless it came back after it was called gone, or before
 * that, while the store was still behind its deletion: what came back and is not known yet is fetched again, and the
 * end of the schedule sees to that.
 */
export class DroppedBodies {
  readonly #world: World;
  readonly #newest: Pick<Newest, 'mayLack'>;
  #settings: MailboxSettings;
  /** When each message that Gmail has within the scope came there: the first of the looks that all saw it. */
  #since: ReadonlyMap<string, number> = new Map();
  #last: Look | null = null;
  /** Gmail's head at the last look at which Gmail did not have the message. */
  readonly #absentAt = new Map<string, HistoryId>();
  #bodies = 0;
  #returned = 0;
  readonly #wrong: string[] = [];

  /** @param newest - which messages may be beyond the limit of the scope */
  constructor(world: World, newest: Pick<Newest, 'mayLack'>) {
    this.#world = world;
    this.#newest = newest;
    this.#settings = world.settings;
  }

  configured(settings: MailboxSettings): void {
    this.#settings = settings;
  }

  /** Call after each change at Gmail and of the settings, before time passes. */
  async look(): Promise<void> {
    const { gmail, clock, stores, mailbox } = this.#world;
    // A listing that is under way leaves out by the settings that it began with. The next one brings back what those
    // left out, if the grace for bodies lasts until then: a day, but a minute in schedules.
    const scopes = [this.#settings.scope, (await stores.store.getMailbox(mailbox))?.settings.scope];
    const inside = [...gmail.all()]
      .filter(({ internalDate, current: { labelIds } }) =>
        scopes.every((scope) => scope === undefined || inScope(scope, { internalDate, labelIds })),
      )
      .filter(({ id }) => !this.#newest.mayLack(id));
    this.#since = new Map(inside.map(({ id }) => [id, this.#since.get(id) ?? clock.now()]));
    const ids = new Set([...gmail.all()].map(({ id }) => id));
    if (this.#last !== null) for (const id of ids) if (!this.#last.ids.has(id)) this.#absentAt.set(id, this.#last.head);
    this.#last = { ids, head: historyId(gmail.historyId) };
  }

  /** Does what housekeeping does: drops the bodies of messages that have been gone for `grace` milliseconds. */
  async sweep(grace: number): Promise<void> {
    const { stores, clock, mailbox } = this.#world;
    const before = await goneSince(stores.database, mailbox, 'with a body');
    if ((await stores.store.dropBuriedBodies({ now: clock.now(), grace })) === 0) return;
    const after = await goneSince(stores.database, mailbox, 'without a body');
    await this.look();
    for (const [id, burial] of before) if (after.has(id)) this.#judge(id, burial);
  }

  get counts(): DroppedCounts {
    return { bodies: this.#bodies, returned: this.#returned, wrong: this.#wrong.length };
  }

  /** Empty when no body was dropped wrongly. */
  differences(): readonly string[] {
    return this.#wrong;
  }

  #judge(id: string, burial: Burial): void {
    this.#bodies += 1;
    const since = this.#since.get(id);
    if (since === undefined) return;
    const absentAt = this.#absentAt.get(id);
    // The body is of the message before it was deleted: nothing was read since it came back.
    const isOfBefore =
      absentAt !== undefined && burial.historyId !== null && compareHistoryIds(burial.historyId, absentAt) <= 0;
    if (isOfBefore || since > burial.at - LONGEST_LAG) this.#returned += 1;
    else
      this.#wrong.push(
        `its body was dropped although Gmail has had it since ${iso(since)}: ${id}, called gone at ${iso(burial.at)}`,
      );
  }
}

const iso = (at: number): string => new Date(at).toISOString();

/** When each message that the store calls gone, with or without a body, was called so. */
async function goneSince(
  database: StoreDatabase,
  mailbox: World['mailbox'],
  held: 'with a body' | 'without a body',
): Promise<ReadonlyMap<string, Burial>> {
  const rows = await database.read((db) =>
    db
      .selectFrom('messages')
      .innerJoin('mailboxes', 'mailboxes.key', 'messages.mailbox_key')
      .select(['messages.id', 'messages.buried_at', 'messages.history_id'])
      .where('mailboxes.id', '=', mailbox)
      .where('messages.state', '=', 'gone')
      .where('messages.format', held === 'with a body' ? 'is not' : 'is', null)
      .execute(),
  );
  return new Map(
    rows.map(({ id, buried_at: at, history_id: text }) => [id, { at: at ?? 0, historyId: fromHistoryIdText(text) }]),
  );
}
