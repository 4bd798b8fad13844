/** Where a client gets the access token of one mailbox. */
export interface TokenSource {
  /**
   * An access token that is good for another minute at least.
   *
   * @throws {GmailError} `consent-revoked`, `scope-missing`, `mailbox-unavailable` or `unavailable`, as the token
   * endpoint or the token provider answered
   */
  accessToken(signal?: AbortSignal): Promise<string>;
  /** Gmail refused this token: forget it. A newer token that another call has fetched meanwhile is kept. */
  invalidate(token: string): void;
}
