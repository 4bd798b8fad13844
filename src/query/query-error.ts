/** Why a search cannot be answered. */
export type QueryFailure =
  /** Gmail documents the operator, or this value of it, and we do not answer it. */
  | { readonly kind: 'unknown'; readonly term: string }
  /** The value of the operator is not what it takes. */
  | { readonly kind: 'malformed'; readonly term: string; readonly takes: string }
  /** Its brackets are nested deeper than {@link DEEPEST}. */
  | { readonly kind: 'too-deep' };

/** Deeper brackets are refused. */
export const DEEPEST = 100;

/** A search with a part that cannot be answered. An answer without that part would be wrong. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
  readonly failure: QueryFailure;

  constructor(failure: QueryFailure) {
    super(messageOf(failure));
    this.failure = failure;
  }
}

function messageOf(failure: QueryFailure): string {
  switch (failure.kind) {
    case 'unknown':
      return `The search operator ${failure.term} is not supported. Search without it.`;
    case 'malformed':
      return `In the search, ${failure.term} is not valid: it takes ${failure.takes}.`;
    case 'too-deep':
      return `The brackets of the search are nested more than ${DEEPEST} deep.`;
  }
}
