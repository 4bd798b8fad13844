/** Thrown when a mailbox cannot be connected, or not be asked for its labels. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly code:
    'wrong-account' | 'unknown-label' | 'credentials-refused' | 'scope-missing' | 'scope-barred' | 'gmail-unavailable';

  constructor(code: LoginError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
