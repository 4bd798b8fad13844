import { TidemarkError } from '../model/tidemark-error.ts';

/** One wrong variable. `given` never shows a secret. */
export interface ConfigProblem {
  /** The variable's name. */
  readonly name: string;
  /** Its value, as it may be shown. */
  readonly given: string;
  /** What it may be. */
  readonly expected: string;
}

/** Thrown when the environment holds wrong values. The message names all of them, one on each line. */
export class ConfigError extends TidemarkError {
  override readonly name = 'ConfigError';
  readonly code = 'configuration';
  /** Each wrong variable. */
  readonly problems: readonly ConfigProblem[];
  /** One sentence for each problem. */
  readonly lines: readonly string[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ name, given, expected }) => `${name} is ${given}: expected ${expected}`);
    super(lines.join('\n'));
    this.problems = problems;
    this.lines = lines;
  }
}
