import type { EventKind, SubscribedEvent } from '../../src/model/subscribed-event.ts';
import { connectSimulated } from '../fixtures/gmail/simulated-worker.ts';
import type { Lanes } from '../fixtures/schedules/lanes.ts';
import type { Random } from '../fixtures/schedules/seeded-random.ts';
import type { World } from './world.ts';

/** What happens to a mailbox besides changes of its mail: the owner withdraws access, and messages cannot be read. */
export class Happenings {
  readonly #world: World;
  readonly #random: Random;
  readonly #lanes: Pick<Lanes, 'dispatch'>;
  readonly #unreadable: { remove(): void }[] = [];
  #isRevoked = false;
  #revocations = 0;
  readonly #madeUnreadable = new Set<string>();

  constructor(world: World, random: Random, lanes: Pick<Lanes, 'dispatch'>) {
    this.#world = world;
    this.#random = random;
    this.#lanes = lanes;
  }

  async happen(): Promise<void> {
    const dice = this.#random.next();
    if (this.#isRevoked) {
      if (dice < 0.4) await this.#consent();
    } else if (dice < 0.06) {
      this.#world.simulator.revoke(this.#world.mailbox);
      this.#isRevoked = true;
      this.#revocations += 1;
    } else if (dice < 0.12) this.#makeUnreadable();
    else if (dice < 0.2) this.#unreadable.pop()?.remove();
  }

  /** Ends what has happened: access is granted, and messages can be read. */
  async mend(): Promise<void> {
    for (const fault of this.#unreadable.splice(0)) fault.remove();
    if (this.#isRevoked) await this.#consent();
  }

  /**
   * What the mailbox reported wrongly: more often than it happened, of another message, or never.
   *
   * @param recoveries - how often its history had expired
   */
  differences(events: readonly SubscribedEvent[], recoveries: number): readonly string[] {
    const kinds = events.map(({ kind }) => kind);
    const times = (kind: EventKind): number => kinds.filter((one) => one === kind).length;
    const found: string[] = [];
    if (times('needs-consent') > this.#revocations)
      found.push(
        `reported ${times('needs-consent')} times that it needs consent, after ${this.#revocations} withdrawals`,
      );
    if (times('recovered') > recoveries || (times('recovered') === 0 && recoveries > 0))
      found.push(`reported ${times('recovered')} times that it has recovered, after ${recoveries} recoveries`);
    if (kinds.lastIndexOf('in-sync') < kinds.lastIndexOf('needs-consent'))
      found.push('did not report that it is in sync after it had needed consent');
    if (times('in-sync') === 0) found.push('never reported that it is in sync');
    for (const event of events)
      if (event.kind === 'message-failed' && !this.#madeUnreadable.has(event.messageId))
        found.push(`reported ${event.messageId}, a message that did not fail: ${event.reason}`);
    return found;
  }

  met(): ReadonlyMap<string, number> {
    return new Map([
      ['grants revoked', this.#revocations],
      ['messages made unreadable', this.#madeUnreadable.size],
    ]);
  }

  async #consent(): Promise<void> {
    const { simulator, stores, mailbox } = this.#world;
    simulator.grant(mailbox);
    await connectSimulated({ simulator, stores }, mailbox);
    this.#isRevoked = false;
    this.#lanes.dispatch({ kind: 'reconnected' });
  }

  #makeUnreadable(): void {
    const { simulator, gmail } = this.#world;
    const ids = [...gmail.all()].map(({ id }) => id);
    if (ids.length === 0) return;
    const messageId = this.#random.pick(ids);
    this.#madeUnreadable.add(messageId);
    const effect = { kind: 'status', status: 500 } as const;
    this.#unreadable.push(simulator.faults.add({ match: { messageId }, effect }));
  }
}
