import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import type { Clock } from '../model/clock.ts';
import { jsonOf } from '../model/json-of.ts';
import { JournalError, OTHER_MAILBOX } from './journal-error.ts';

/** The initial state of a simulated mailbox: enough to recreate it, id by id. */
const BEGINNING = z.object({
  version: z.literal(1),
  /** Epoch ms of the newest generated mail. */
  createdAt: z.number(),
  email: z.string(),
  messages: z.number(),
  /** Absolute path of imported mail; null when it was generated. */
  mbox: z.string().nullable(),
});
export type JournalBeginning = z.infer<typeof BEGINNING>;

const STEP = z.object({ at: z.number() });

/**
 * Remembers a simulated mailbox between runs. Everything in the simulator follows from seeds and from the times of
 * events, so the journal holds only the beginning and one time for each change of the live traffic.
 *
 * The journal is also the simulator's clock: during a replay, each change sees its recorded time. A crash loses
 * nothing: the time is on disk before the change is made, so the next run repeats every change that a client may have
 * seen.
 */
export class Journal implements Clock {
  readonly beginning: JournalBeginning;
  /** Whether this run created the journal. */
  readonly isNew: boolean;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #past: number[];
  #frozen: number | null;

  private constructor(options: {
    path: string;
    clock: Clock;
    beginning: JournalBeginning;
    past: number[];
    isNew: boolean;
  }) {
    this.isNew = options.isNew;
    this.#path = options.path;
    this.#clock = options.clock;
    this.#past = options.past;
    this.beginning = options.beginning;
    this.#frozen = options.beginning.createdAt;
  }

  /**
   * Opens the journal, or creates it.
   *
   * @throws {JournalError} when the file is not a journal of this version
   */
  static open({
    path,
    clock,
    begin,
  }: {
    path: string;
    clock: Clock;
    begin: Omit<JournalBeginning, 'version' | 'createdAt'>;
  }): Journal {
    if (!existsSync(path)) {
      const beginning: JournalBeginning = { version: 1, createdAt: clock.now(), ...begin };
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${JSON.stringify(beginning)}\n`);
      return new Journal({ path, clock, beginning, past: [], isNew: true });
    }
    const bytes = readFileSync(path);
    // A crash cut off a last line that has no line feed. Its change was never made, and the next line must not be
    // appended to it.
    const whole = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
    const lines = whole.toString('utf8').split('\n').slice(0, -1);
    const beginning = BEGINNING.safeParse(jsonOf(lines[0] ?? ''));
    if (!beginning.success)
      throw new JournalError(
        `${path} is not a journal that this version of the simulator can read. Restore it, or ${OTHER_MAILBOX}`,
      );
    if (whole.length < bytes.length) truncateSync(path, whole.length);
    const past = lines.slice(1).flatMap((line) => {
      const step = STEP.safeParse(jsonOf(line));
      return step.success ? [step.data.at] : [];
    });
    return new Journal({ path, clock, beginning: beginning.data, past, isNew: false });
  }

  /** True while past changes still have to be repeated. */
  get replays(): boolean {
    return this.#past.length > 0;
  }

  /** Called when the mailbox is in its initial state. Time then runs, or the past is replayed. */
  begun(): void {
    this.#frozen = null;
  }

  /** Called when the change after {@link sleep} has been made. */
  stepDone(): void {
    this.#frozen = null;
  }

  now(): number {
    return this.#frozen ?? this.#clock.now();
  }

  random(): number {
    return this.#clock.random();
  }

  /** The pause before a change. A replayed change has no pause. */
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
