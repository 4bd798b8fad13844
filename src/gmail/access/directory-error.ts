/** Thrown when the users of a domain cannot be listed. The message says what to do. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly code: 'no-administrator' | 'scope-missing' | 'no-such-org-unit' | 'api-disabled' | 'google-unavailable';

  constructor(code: DirectoryError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
