/** One measured number and its promised bound. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** null when the figure is only reported. */
  readonly bound: { readonly is: 'at most' | 'at least'; readonly value: number } | null;
  /** How it was measured: sizes, load of the machine, and other conditions. */
  readonly note?: string;
}

/** A set of figures that one run measures together. */
export interface Bench {
  readonly name: string;
  /** One line for the list of benches. */
  readonly about: string;
  /** @throws {InvalidRunError} when the run is not a valid measurement */
  run(): Promise<readonly Figure[]>;
}

/**
 * Thrown when a run is not a valid measurement: the store was not exact, or a program died. A missed bound is a result,
 * not an error.
 */
export class InvalidRunError extends Error {
  override readonly name = 'InvalidRunError';
}

export function requireExact(differences: readonly string[], what: string): void {
  if (differences.length > 0)
    throw new InvalidRunError(
      `${what}: the store differs from Gmail: ${differences.slice(0, 5).join('; ')} (${differences.length} in all)`,
    );
}

const COLUMNS = ['figure', 'measured', 'bound', 'ratio', ''] as const;

/** A table for a terminal, which is also Markdown. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, bound, note }) => [
    name,
    `${shown(value)} ${unit}`.trim(),
    bound === null ? '-' : `${bound.is === 'at most' ? '≤' : '≥'} ${shown(bound.value)}`,
    bound === null || bound.value === 0 ? '-' : (value / bound.value).toFixed(3),
    [bound === null ? '' : holds({ value, bound }) ? 'holds' : 'MISSED', note ?? '']
      .filter((text) => text !== '')
      .join('; '),
  ]);
  const widths = COLUMNS.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
  return [line(COLUMNS), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}

export function holds({ value, bound }: Pick<Figure, 'value' | 'bound'>): boolean {
  if (bound === null) return true;
  return bound.is === 'at most' ? value <= bound.value : value >= bound.value;
}

function shown(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en');
  return value.toFixed(Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 1 ? 2 : 4);
}
