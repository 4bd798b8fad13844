import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import type { Clock } from '../model/clock.ts';
import { JournalError } from './journal-error.ts';

/** What a simulated mailbox began with: enough to make it again, id by id. */
const BEGINNING = z.object({
  version: z.literal(1),
  /** Epoch ms: the newest generated mail is of this time. */
  createdAt: z.number(),
  email: z.string(),
  messages: z.number(),
  /** Absolute path of imported mail; null when it was generated. */
  mbox: z.string().nullable(),
});
export type Beginning = z.infer<typeof BEGINNING>;

const STEP = z.object({ at: z.number() });

/**
 * The memory of a simulated mailbox between runs. Everything in the simulator follows from seeds and from the times at
 * which something happened, so the journal is the beginning and one time for each change of the live traffic.
 *
 * It is also the simulator's clock: during a replay each change sees the time that was written for it.
 * A crash loses nothing: the time is on disk before the change is made, so no client ever saw a change that the next
 * run does not make.
 */
export class Journal implements Clock {
  readonly beginning: Beginning;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #past: number[];
  #frozen: number | null;

  private constructor(options: { path: string; clock: Clock; beginning: Beginning; past: number[] }) {
    this.#path = options.path;
    this.#clock = options.clock;
    this.#past = options.past;
    this.beginning = options.beginning;
    this.#frozen = options.beginning.createdAt;
  }

  /**
   * Opens the journal, or begins it.
   *
   * @throws {JournalError} when the file is of another mailbox, or no journal
   */
  static open({
    path,
    clock,
    begin,
  }: {
    path: string;
    clock: Clock;
    begin: Omit<Beginning, 'version' | 'createdAt'>;
  }): Journal {
    if (!existsSync(path)) {
      const beginning: Beginning = { version: 1, createdAt: clock.now(), ...begin };
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${JSON.stringify(beginning)}\n`);
      return new Journal({ path, clock, beginning, past: [] });
    }
    const bytes = readFileSync(path);
    // A last line without its end was cut off by a crash: its change was never made, and the next line must not be
    // glued to it.
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
    const lines = whole.toString('utf8').split('\n').slice(0, -1);
    const beginning = BEGINNING.safeParse(jsonOf(lines[0]));
    if (!beginning.success)
      throw new JournalError(`${path} is no journal of the simulator. Move it away to begin anew.`);
    if (whole.length < bytes.length) truncateSync(path, whole.length);
    const past = lines.slice(1).flatMap((line) => {
      const step = STEP.safeParse(jsonOf(line));
      return step.success ? [step.data.at] : [];
    });
    return new Journal({ path, clock, beginning: beginning.data, past });
  }

  /** True while past changes are still to be made again. */
  get replays(): boolean {
    return this.#past.length > 0;
  }

  /** The mailbox is as it began; from now on time goes on, or the past is replayed. */
  begun(): void {
    this.#frozen = null;
  }

  /** The change that {@link sleep} announced is made. */
  stepDone(): void {
    this.#frozen = null;
  }

  now(): number {
    return this.#frozen ?? this.#clock.now();
  }

  random(): number {
    return this.#clock.random();
  }

  /** The pause before a change: none in the past. */
  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const past = this.#past.shift();
    if (past !== undefined) {
      this.#frozen = past;
      return;
    }
    await this.#clock.sleep(milliseconds, signal);
    const at = this.#clock.now();
    appendFileSync(this.#path, `${JSON.stringify({ at })}\n`);
    this.#frozen = at;
  }
}

function jsonOf(line: string | undefined): unknown {
  try {
    return JSON.parse(line ?? '');
  } catch {
    return null;
  }
}
