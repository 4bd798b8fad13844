import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { systemClock } from '../../src/host/system-clock.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { HOST_ENV, Printing } from '../fixtures/host/program.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const WORKER = fileURLToPath(new URL('deadly-worker.ts', import.meta.url));

interface Call {
  readonly name: string;
  readonly mailbox: string;
  readonly subjects: readonly (string | null)[];
}

/** A worker with the deadly handlers, begun again each time that it ends, as an orchestrator does. */
class Restarted {
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

  /** The subjects that a handler was called with in a mailbox, each call's in a list. */
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

describe('a handler that ends its worker each time that it gets a certain message', () => {
  let rig: Rig;
  let worker: Restarted | null = null;
  beforeEach(async () => {
    rig = await Rig.open('deadly');
  });
  afterEach(async () => {
    await worker?.stop();
    worker = null;
    await rig.close();
  });

  const positionOf = async (box: TestMailbox, name: string) =>
    (await rig.tidemark.store.readPositions(name)).find(({ mailbox }) => mailbox === box.id);

  /** A mailbox with these messages, which nobody was told of. The first is the newest: it is fetched first, too. */
  async function mailboxWith(name: string, subjects: readonly string[]): Promise<TestMailbox> {
    const box = await rig.mailbox(name, { messages: 0, pollInterval: 600_000 });
    const now = systemClock.now();
    for (const [i, subject] of subjects.entries()) box.deliver(subject, ['INBOX'], now - i * 1_000);
    await box.start();
    await box.exact(30_000);
    return box;
  }

  /** Lets a pause between attempts pass at once. */
  async function hurry(box: TestMailbox, subscription: string): Promise<void> {
    const now = systemClock.now();
    if (((await positionOf(box, subscription))?.nextAttemptAt ?? 0) <= now) return;
    const reason = 'the pause of this test is over';
    await rig.tidemark.store.postponeDelivery({ mailbox: box.id, subscription, until: now, reason });
    await box.handle.signal('deliver');
  }

  it('has only that one parked, and all others delivered, of its mailbox and of others', async () => {
    await rig.startWorker();
    const box = await mailboxWith('deadly', ['polite', 'poison', 'positive']);
    const beside = await mailboxWith('beside', ['one', 'two']);
    await rig.stopWorker();
    const restarted = new Restarted(rig);
    worker = restarted;
    const position = await eventually(400_000, async () => {
      await hurry(box, 'crm');
      const now = await positionOf(box, 'crm');
      return now?.parked === 1 && now.sequence === now.head ? now : null;
    });
    expect(position).toMatchObject({ delivered: 2, error: null });
    const [parked, ...more] = await rig.tidemark.store.listParked({ name: 'crm', limit: 10 });
    expect(more).toEqual([]);
    expect(parked?.error).toBe(
      'The worker ended, stopped answering, or lost its database, 5 times while it handled this change',
    );
    expect((await tidemark(rig.env, 'deliveries', 'crm', '--parked')).stdout).toContain(parked?.error);
    const calls = restarted.of('crm', box);
    // Mostly two of the batch and five of the change; a death beside another attempt may cost one more.
    expect(calls.filter((subjects) => subjects.includes('poison')).length).toBeLessThanOrEqual(8);
    expect(calls.filter((subjects) => subjects.length === 1).flat()).toEqual(
      expect.arrayContaining(['polite', 'positive', 'poison']),
    );
    await eventually(60_000, async () => {
      for (const [each, name] of [
        [box, 'other'],
        [beside, 'other'],
        [beside, 'crm'],
      ] as const) {
        const now = await positionOf(each, name);
        if (now?.sequence !== now?.head || now?.parked !== 0) return null;
      }
      return true;
    });
    expect(restarted.deaths).toBeGreaterThanOrEqual(7);
    expect(await box.workflowFailures()).toEqual([]);
  }, 500_000);

  it('holds up only its mailbox, says why, and lets workers live in between, where order is above all', async () => {
    await rig.startWorker();
    const box = await mailboxWith('above-all', ['venom', 'later v']);
    const beside = await mailboxWith('beside-all', ['v one', 'v two']);
    await rig.stopWorker();
    const restarted = new Restarted(rig);
    worker = restarted;
    const held = await eventually(150_000, async () => {
      const now = await positionOf(box, 'strict');
      return (now?.delivery?.attempts ?? 0) >= 2 && (now?.nextAttemptAt ?? 0) > systemClock.now() + 10_000 ? now : null;
    });
    expect(held).toMatchObject({
      delivered: 0,
      parked: 0,
      error: 'The worker ended, stopped answering, or lost its database, at least once while it handled this change',
    });
    const { deaths } = restarted;
    await eventually(60_000, async () => {
      const all = [await positionOf(beside, 'strict'), await positionOf(box, 'other'), await positionOf(box, 'crm')];
      return all.every((each) => each !== undefined && each.sequence === each.head && each.parked === 0) ? true : null;
    });
    expect(restarted.deaths - deaths).toBeLessThanOrEqual(2);
    expect((await tidemark(rig.env, 'deliveries', 'strict')).stdout).toMatch(/The worker ended.*\(next attempt /);
    // Once the server has missed the heartbeats of the worker that died last, and the next one has looked.
    await eventually(90_000, async () =>
      /deliveries +strict waits since/.test((await tidemark(rig.env, 'status', box.id)).stdout) ? true : null,
    );
  }, 300_000);
});
