import { TidemarkError } from '../../model/tidemark-error.ts';

/** Thrown when mailboxes cannot be moved as they are; the message says why and what to do. */
export class MoveError extends TidemarkError {
  override readonly name = 'MoveError';
  readonly code = 'move';
}
