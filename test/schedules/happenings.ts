import type { EventKind } from '../../src/model/subscribed-event.ts';
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
  #madeUnreadable = 0;

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
   * What the mailbox reported wrongly: more often than it happened, or never.
   *
   * @param recoveries - how often its history had expired
   */
  differences(events: readonly EventKind[], recoveries: number): readonly string[] {
    const times = (kind: EventKind): number => events.filter((one) => one === kind).length;
    const found: string[] = [];
    if (times('needs-consent') > this.#revocations)
      found.push(
        `reported ${times('needs-consent')} times that it needs consent, after ${this.#revocations} withdrawals`,
      );
    if (times('recovered') > recoveries || (times('recovered') === 0 && recoveries > 0))
      found.push(`reported ${times('recovered')} times that it has recovered, after ${recoveries} recoveries`);
    if (events.lastIndexOf('in-sync') < events.lastIndexOf('needs-consent'))
      found.push('did not report that it is in sync after it had needed consent');
    if (times('in-sync') === 0) found.push('never reported that it is in sync');
    if (times('message-failed') > 0 && this.#madeUnreadable === 0) found.push('reported a message that did not fail');
    return found;
  }

  met(): ReadonlyMap<string, number> {
    return new Map([
      ['grants revoked', this.#revocations],
      ['messages made unreadable', this.#madeUnreadable],
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
    this.#madeUnreadable += 1;
    const effect = { kind: 'status', status: 500 } as const;
    this.#unreadable.push(simulator.faults.add({ match: { messageId: this.#random.pick(ids) }, effect }));
  }
}
