/** Thrown when no Temporal server can be had. The message is for a person: what happened and what to do. */
export class TemporalServerError extends Error {
  override readonly name = 'TemporalServerError';
}
