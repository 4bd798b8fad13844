import type { DroppedCounts } from './dropped-bodies.ts';
import { cellName, cellOf, MATRIX } from './odd-answers.ts';
import type { ScheduleResult } from './schedule.ts';

export type Outcome = Pick<ScheduleResult, 'seed' | 'differences' | 'met' | 'drifts'> &
  Partial<Pick<ScheduleResult, 'dropped'>>;

/**
 * Schedules that are given a cell of {@link MATRIX} before it counts against the run that the cell never struck. Some
 * answers are rarely asked for: those of a watch that ends, or of attachments. 20,000 schedules give each cell this
 * many.
 */
const ENOUGH = 50;

interface Met {
  readonly schedules: number;
  /** Schedules in which it was drawn and never struck. */
  readonly vain: number;
  readonly strikes: number;
}

/** What many schedules found, put together. */
export class Tally {
  readonly #isOdd: boolean;
  readonly #met = new Map<string, Met>();
  /** How many schedules were given each cell. */
  readonly #given = new Map<string, number>();
  readonly #inexact: number[] = [];
  readonly #drifted: number[] = [];
  #dropped: DroppedCounts = { bodies: 0, returned: 0, wrong: 0 };
  #count = 0;

  /** @param options.isOdd - whether each schedule was given a cell of {@link MATRIX} */
  constructor({ isOdd }: { readonly isOdd: boolean }) {
    this.#isOdd = isOdd;
  }

  get count(): number {
    return this.#count;
  }

  add({ seed, differences, met, drifts, dropped }: Outcome): void {
    this.#count += 1;
    if (differences.length > 0) this.#inexact.push(seed);
    if (drifts > 0) this.#drifted.push(seed);
    if (dropped !== undefined) this.#dropped = sum(this.#dropped, dropped);
    if (this.#isOdd) {
      const name = cellName(cellOf(seed));
      this.#given.set(name, (this.#given.get(name) ?? 0) + 1);
    }
    for (const [name, strikes] of met) {
      const before = this.#met.get(name) ?? { schedules: 0, vain: 0, strikes: 0 };
      this.#met.set(name, {
        schedules: before.schedules + 1,
        vain: before.vain + (strikes === 0 ? 1 : 0),
        strikes: before.strikes + strikes,
      });
    }
  }

  /** Whether the run shows what it was to show: all schedules were exact, and what they were given has struck. */
  get holds(): boolean {
    return this.#inexact.length === 0 && this.#neverStruck().length === 0;
  }

  /** The verdict, and what it stands on, for a person. */
  lines(seconds: number): readonly string[] {
    const unstruck = this.#neverStruck();
    const { bodies, wrong, returned } = this.#dropped;
    const inexact = `${this.#inexact.length} inexact${this.#inexact.length === 0 ? '' : ` (${listed(this.#inexact)})`}`;
    return [
      ...[...this.#met]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(
          ([name, { schedules, vain, strikes }]) =>
            `  ${name}: in ${schedules} schedules, ${strikes} times${vain === 0 ? '' : `; not met in ${vain}`}`,
        ),
      ...(this.#drifted.length === 0 ? [] : [`  audits found a difference meanwhile: ${listed(this.#drifted)}`]),
      ...unstruck.map((name) => `  never struck in ${this.#given.get(name) ?? 0} schedules that it was given: ${name}`),
      ...(bodies === 0
        ? []
        : [
            `  ${bodies} bodies dropped, ${wrong} of mail that Gmail still had; ${returned} of mail that had come back`,
          ]),
      `${this.#count} schedules, ${inexact}, ` +
        (unstruck.length === 0 ? '' : `${unstruck.length} of ${MATRIX.length} odd answers never struck, `) +
        `${(this.#count / seconds).toFixed(1)} a second`,
    ];
  }

  /** Cells that enough schedules were given, and that changed no answer of any. */
  #neverStruck(): readonly string[] {
    return MATRIX.map(cellName).filter(
      (name) => (this.#given.get(name) ?? 0) >= ENOUGH && (this.#met.get(name)?.strikes ?? 0) === 0,
    );
  }
}

const sum = (a: DroppedCounts, b: DroppedCounts): DroppedCounts => ({
  bodies: a.bodies + b.bodies,
  returned: a.returned + b.returned,
  wrong: a.wrong + b.wrong,
});

function listed(seeds: readonly number[]): string {
  return seeds.toSorted((a, b) => a - b).join(' ');
}
