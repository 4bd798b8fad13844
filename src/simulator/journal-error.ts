/** Thrown when a journal cannot be used again. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}
