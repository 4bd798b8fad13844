import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { systemClock } from '../../src/host/system-clock.ts';
import { HOST_ENV, Printing } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const WORKER = fileURLToPath(new URL('deadly-worker.ts', import.meta.url));

interface Call {
  readonly name: string;
  readonly mailbox: string;
  readonly subjects: readonly (string | null)[];
}

/** A worker with the deadly handlers, restarted each time that it ends, as an orchestrator does. */
export class Restarted {
  deaths = 0;
  readonly #rig: Rig;
  readonly #file: string;
  #current: Printing | null = null;
  #stopped = false;

  constructor(rig: Rig) {
    this.#rig = rig;
    this.#file = join(rig.folder, 'calls.jsonl');
    void this.#run();
  }

  get calls(): readonly Call[] {
    if (!existsSync(this.#file)) return [];
    return readFileSync(this.#file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Call);
  }

  /** The subjects that a handler was called with in a mailbox, one list for each call. */
  of(name: string, { id }: TestMailbox): readonly (readonly (string | null)[])[] {
    return this.calls.filter((call) => call.name === name && call.mailbox === id).map(({ subjects }) => subjects);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#current?.end('SIGKILL');
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#current = new Printing(
        spawn(process.execPath, [WORKER, this.#file], {
          env: { ...HOST_ENV, ...this.#rig.env },
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      );
      await this.#current.ended;
      if (!this.#stopped) this.deaths += 1;
    }
  }
}

/** Mailboxes whose subscriptions are handled by workers that a handler may end. */
export class DeadlyRig {
  readonly rig: Rig;
  #worker: Restarted | null = null;

  private constructor(rig: Rig) {
    this.rig = rig;
  }

  static async open(): Promise<DeadlyRig> {
    return new DeadlyRig(await Rig.open('deadly'));
  }

  async close(): Promise<void> {
    await this.#worker?.stop();
    await this.rig.close();
  }

  /** Replaces the rig's worker, which has no handlers, by one with the deadly handlers. */
  async replaceWorker(): Promise<Restarted> {
    await this.rig.stopWorker();
    this.#worker = new Restarted(this.rig);
    return this.#worker;
  }

  async positionOf(box: TestMailbox, name: string) {
    return (await this.rig.tidemark.store.readPositions(name)).find(({ mailbox }) => mailbox === box.id);
  }

  /** A mailbox with these messages, none delivered yet. The first is the newest, and so is fetched first. */
  async mailboxWith(name: string, subjects: readonly string[]): Promise<TestMailbox> {
    const box = await this.rig.mailbox(name, { messages: 0, pollInterval: 600_000 });
    const now = systemClock.now();
    for (const [i, subject] of subjects.entries()) box.deliver(subject, ['INBOX'], now - i * 1_000);
    await box.start();
    await box.exact(30_000);
    return box;
  }

  /** Ends a pause between attempts. */
  async hurry(box: TestMailbox, subscription: string): Promise<void> {
    const now = systemClock.now();
    if (((await this.positionOf(box, subscription))?.nextAttemptAt ?? 0) <= now) return;
    const reason = 'the pause of this test is over';
    await this.rig.tidemark.store.postponeDelivery({ mailbox: box.id, subscription, until: now, reason });
    await box.handle.signal('deliver');
  }
}
