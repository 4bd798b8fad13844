import { TidemarkError, type TidemarkErrorOptions } from '../../model/tidemark-error.ts';

/** Why the database could not be used. */
export type StoreFailure =
  /** Locked, full, unreachable: the same call may succeed later. */
  | { readonly kind: 'unavailable' }
  /** The mailbox's row has vanished: the database was deleted or replaced. */
  | { readonly kind: 'lost' }
  /** A message's body, outside the database, is missing or damaged. */
  | { readonly kind: 'body-lost' }
  /** The schema is newer than this program. */
  | { readonly kind: 'newer-schema' }
  /** The schema is older than this program, and automatic migration is off. */
  | { readonly kind: 'older-schema' };

/** Thrown by every method of the store that fails. */
export class StoreError extends TidemarkError {
  override readonly name = 'StoreError';
  readonly code: `store-${StoreFailure['kind']}`;
  /** What went wrong, with its details. */
  readonly failure: StoreFailure;

  constructor(failure: StoreFailure, message: string, options?: TidemarkErrorOptions) {
    super(message, options);
    this.code = `store-${failure.kind}`;
    this.failure = failure;
  }
}
