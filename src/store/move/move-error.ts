/** Thrown when mailboxes cannot be moved as they are; the message says why and what to do. */
export class MoveError extends Error {
  override readonly name = 'MoveError';
}
