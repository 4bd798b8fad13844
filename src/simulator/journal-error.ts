/** Thrown when a journal cannot be used. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}
