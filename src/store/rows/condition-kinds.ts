import type { FailureType } from '../../model/failure-type.ts';
import type { Condition } from './mailbox-row.ts';

/** The kind of condition that each type of failure is. */
export const CONDITION_KINDS: Readonly<Record<FailureType, Condition['kind']>> = {
  HistoryExpired: 'failing',
  RateLimited: 'rate-limited',
  ConsentRevoked: 'needs-consent',
  MailboxNotConnected: 'needs-consent',
  CredentialsUnreadable: 'failing',
  OtherAccount: 'needs-consent',
  MailboxUnavailable: 'failed',
  GmailUnreachable: 'failing',
  StoreUnavailable: 'failing',
  StoreLost: 'failing',
  OtherDatabase: 'failing',
  Unexpected: 'failing',
};
