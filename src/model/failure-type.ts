/**
 * Names of the failures that cross the activity boundary (`ApplicationFailure.type`).
 * docs/errors.md has a paragraph on each; a test holds the two together.
 */
export const FAILURE_TYPES = [
  'HistoryExpired',
  'RateLimited',
  'ConsentRevoked',
  'OtherAccount',
  'MailboxUnavailable',
  'MailboxNotConnected',
  'CredentialsUnreadable',
  'GmailUnreachable',
  'StoreUnavailable',
  'StoreLost',
  'OtherDatabase',
  'Unexpected',
] as const;

export type FailureType = (typeof FAILURE_TYPES)[number];
