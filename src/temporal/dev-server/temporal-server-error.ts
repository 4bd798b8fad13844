import { TidemarkError } from '../../model/tidemark-error.ts';

/**
 * Thrown when no Temporal server can be found or started. The message is for a person: what happened and what to do.
 */
export class TemporalServerError extends TidemarkError {
  override readonly name = 'TemporalServerError';
  readonly code = 'temporal-server';
  /** The lines of the message: some messages list several causes, or show the end of a log. */
  readonly lines: readonly string[];

  constructor(message: string | readonly string[], options?: ErrorOptions) {
    const lines = [message].flat();
    super(lines.join('\n'), options);
    this.lines = lines;
  }
}
