import type { MailboxId } from './branded-ids.ts';
import type { Remedy } from './remedy.ts';

/**
 * Every code that an error of Tidemark's can have. Programs switch on these codes: a code keeps its meaning, and is
 * never reused. docs/errors.md describes each; a test holds the two together.
 */
export const ERROR_CODES = [
  // What the caller passed.
  'usage',
  'configuration',
  'invalid-id',
  'invalid-duration',
  'invalid-settings',
  'invalid-subscription',
  'invalid-cursor',
  'invalid-credentials',
  'invalid-webhook-secret',
  'invalid-link',
  'settings-refused',
  'missing-package',
  'plugin',
  // A mailbox, and what is in it.
  'mailbox-unknown',
  'mailbox-not-connected',
  'mailbox-not-running',
  'mailbox-running',
  'mailbox-renamed',
  'mailbox-blocked',
  'mailbox-swamped',
  'other-database',
  'rename-refused',
  'label-unknown',
  'message-unknown',
  'message-left',
  'attachment-not-held',
  'not-raw',
  'bodies-lost',
  'messages-failed',
  'drift',
  'installation-faulty',
  'audit-undecided',
  // The change feed and deliveries.
  'cursor-ahead',
  'feed-replaced',
  'cursor-pruned',
  'subscription-unknown',
  'parked-unknown',
  'secret-file',
  'webhook-refused',
  'webhook-not-accepted',
  // The database, and moves between databases.
  'store-unavailable',
  'store-lost',
  'store-body-lost',
  'store-newer-schema',
  'store-older-schema',
  'move',
  // Temporal.
  'server-unreachable',
  'server-refused',
  'namespace-not-found',
  'build-not-ready',
  'temporal-failure',
  'temporal-server',
  'workflow-task-fails',
  'workflow-bundle',
  // Connecting mailboxes.
  'access-revoked',
  'wrong-account',
  'unknown-label',
  'credentials-refused',
  'scope-missing',
  'scope-barred',
  'gmail-unavailable',
  'consent-denied',
  'consent-scope-missing',
  'consent-scope-barred',
  'consent-state-mismatch',
  'consent-code-refused',
  'consent-client-refused',
  'consent-no-refresh-token',
  'consent-wrong-account',
  'consent-timeout',
  'consent-google-unavailable',
  'domain-no-administrator',
  'domain-scope-missing',
  'domain-no-such-org-unit',
  'domain-api-disabled',
  'domain-google-unavailable',
  'domain-incomplete',
  'credentials-file',
  'client-file',
  'secret-key',
  'no-payload-key',
  // Single calls of Gmail's.
  'gmail-history-expired',
  'gmail-not-found',
  'gmail-rate-limited',
  'gmail-refused',
  'gmail-consent-revoked',
  'gmail-scope-missing',
  'gmail-scope-barred',
  'gmail-mailbox-unavailable',
  'gmail-invalid-request',
  // Programs.
  'certificate',
  'subscription',
  'not-confirmed',
  'simulator',
] as const;

/** One of {@link ERROR_CODES}. */
export type TidemarkErrorCode = (typeof ERROR_CODES)[number];

/** What an error of Tidemark says beside its message. */
export interface TidemarkErrorOptions extends ErrorOptions {
  /** The mailbox that the error is about. */
  readonly mailbox?: MailboxId | null;
  /** What a person can do about it. */
  readonly remedy?: Remedy | null;
}

/**
 * Base class of every error that Tidemark throws on purpose. `message` says what happened, and to which mailbox, in
 * words that a product may show to its customer: it holds nothing private, and no advice for the command line, which
 * adds its own.
 */
export abstract class TidemarkError extends Error {
  /** For programs. */
  abstract readonly code: TidemarkErrorCode;
  /** The mailbox that the error is about; null when it is about none, or about several. */
  readonly mailbox: MailboxId | null;
  /** What a person can do about it; null when the message says all. */
  readonly remedy: Remedy | null;

  constructor(message: string, { mailbox = null, remedy = null, ...options }: TidemarkErrorOptions = {}) {
    super(message, options);
    this.mailbox = mailbox;
    this.remedy = remedy;
  }
}
