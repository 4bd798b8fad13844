import { isDeepStrictEqual } from 'node:util';

import { inScope, type MailboxSettings } from '../../src/model/settings.ts';
import type { Newest } from './newest.ts';
import type { World } from './world.ts';

type Seen = Parameters<typeof inScope>[1];

/**
 * Watches the change feed for messages that are called gone although Gmail always had them. A message that was absent
 * for a moment may be called gone later, when history reports that. The store lags behind Gmail, so it may also judge
 * old labels by new settings. So the rule is: a message may never be called gone if all labels that it ever had put it
 * in every scope that was ever configured.
 */
export class Verdicts {
  readonly #world: World;
  readonly #newest: Newest;
  readonly #scopes: MailboxSettings['scope'][];
  /** The distinct labels and dates with which each message was seen. */
  readonly #seen = new Map<string, Map<string, Seen>>();
  /** Messages that were once deleted, or out of some configured scope, or beyond its limit. */
  readonly #absent = new Set<string>();
  /** Messages that existed when Gmail was last looked at. */
  #present: ReadonlySet<string> = new Set();
  readonly #wrong: string[] = [];
  #read = 0;

  constructor(world: World, newest: Newest) {
    this.#world = world;
    this.#newest = newest;
    this.#scopes = [world.settings.scope];
  }

  /** Call before `newest` hears of it: work that is under way goes by the former limit. */
  configured({ scope }: MailboxSettings): void {
    this.#scopes.push(scope);
    this.#lookAtGmail();
    for (const id of this.#present) if (this.#newest.mayLack(id)) this.#absent.add(id);
    for (const [id, states] of this.#seen)
      if (![...states.values()].every((seen) => inScope(scope, seen))) this.#absent.add(id);
  }

  /**
   * Call after each change at Gmail, before time passes, whether a person makes it, or an oddity that adds or removes
   * something.
   */
  async look(): Promise<void> {
    this.#lookAtGmail();
    const { stores, mailbox } = this.#world;
    if ((await stores.store.getMailbox(mailbox)) === null) return;
    await this.#compareCounts();
    for (;;) {
      const { changes } = await stores.store.readChangePage({ mailbox, after: this.#read, limit: 200 });
      for (const change of changes) {
        const { sequence, kind, messageId, at } = change;
        this.#read = sequence;
        if (kind !== 'gone' || this.#absent.has(messageId)) continue;
        if (change.why === 'excluded' && this.#newest.mayLack(messageId)) continue;
        const words = this.#seen.has(messageId)
          ? 'called gone though Gmail always had it'
          : 'came and went before the schedule looked at Gmail, and was called gone';
        this.#wrong.push(`${words}: ${messageId}, at ${new Date(at).toISOString()}`);
      }
      if (changes.length === 0) return;
    }
  }

  /** Empty when no message was called gone wrongly. */
  differences(): readonly string[] {
    return this.#wrong;
  }

  /** What a sync reports is what the rows say, although part of it is remembered. */
  async #compareCounts(): Promise<void> {
    const { stores, mailbox, clock } = this.#world;
    const reported = await stores.store.countProgress(mailbox);
    const { stored, pending, failed, backfill } = await stores.store.countMessages(mailbox, clock.now());
    const counted = { stored, pending, failed, isBackfilling: backfill > 0 };
    // An activity may write between the two.
    const isSteady = isDeepStrictEqual(await stores.store.countProgress(mailbox), reported);
    if (isSteady && !isDeepStrictEqual(reported, counted))
      this.#wrong.push(`reported as ${JSON.stringify(reported)}, and counted ${JSON.stringify(counted)}`);
  }

  #lookAtGmail(): void {
    const present = new Set<string>();
    for (const message of this.#world.gmail.all()) {
      present.add(message.id);
      const seen = { labelIds: message.current.labelIds, internalDate: message.internalDate };
      const key = `${message.internalDate} ${seen.labelIds.join(' ')}`;
      const states = this.#seen.get(message.id) ?? new Map<string, Seen>();
      if (states.has(key)) continue;
      this.#seen.set(message.id, states.set(key, seen));
      if (!this.#scopes.every((scope) => inScope(scope, seen))) this.#absent.add(message.id);
    }
    for (const id of this.#present) if (!present.has(id)) this.#absent.add(id);
    this.#present = present;
  }
}
