import type { MailboxId } from '../model/ids.ts';
import { TidemarkError, type TidemarkErrorOptions } from '../model/tidemark-error.ts';
import { blockedRemedy, blockedText, type BlockedPhase, type BlockReason } from './blocked-mailbox.ts';

/** Thrown when a mailbox has no running workflow: it was never started, or its workflow has ended. */
export class MailboxNotRunningError extends TidemarkError {
  override readonly name = 'MailboxNotRunningError';
  readonly code = 'mailbox-not-running';
  declare readonly mailbox: MailboxId;

  constructor(mailbox: MailboxId, options?: ErrorOptions) {
    super(`${mailbox} is not running: it was never started here, or its workflow has ended.`, {
      ...options,
      mailbox,
      remedy: { kind: 'start', mailbox },
    });
  }
}

/** Thrown when the store does not hold a mailbox. */
export class MailboxUnknownError extends TidemarkError {
  override readonly name = 'MailboxUnknownError';
  readonly code = 'mailbox-unknown';
  declare readonly mailbox: MailboxId;

  constructor(mailbox: MailboxId) {
    super(`${mailbox} is unknown here: no mail of it is stored.`, {
      mailbox,
      remedy: { kind: 'connect-and-start', mailbox },
    });
  }
}

/** Thrown when the mailbox's workflow mirrors it into another database than the one that is open here. */
export class OtherDatabaseError extends TidemarkError {
  override readonly name = 'OtherDatabaseError';
  readonly code = 'other-database';
  declare readonly mailbox: MailboxId;

  constructor(mailbox: MailboxId) {
    super(`${mailbox} is mirrored in another database than the one that is open here.`, {
      mailbox,
      remedy: { kind: 'take-place', mailbox, resumes: false },
    });
  }
}

/** Thrown when a change of settings is surely an error. Nothing was changed. */
export class SettingsRefusedError extends TidemarkError {
  override readonly name = 'SettingsRefusedError';
  readonly code = 'settings-refused';
  declare readonly mailbox: MailboxId;
  /** `nothing-left`: every message that is held would leave, and no other message is in the new scope. */
  readonly reason: 'after-in-future' | 'nothing-left' | 'unknown-label';

  constructor(mailbox: MailboxId, reason: SettingsRefusedError['reason'], message: string) {
    super(message, { mailbox });
    this.reason = reason;
  }
}

/** Thrown when a mailbox cannot be renamed. The message says why, and what to do. */
export class RenameRefusedError extends TidemarkError {
  override readonly name = 'RenameRefusedError';
  readonly code = 'rename-refused';
  /** Why it cannot be renamed. */
  readonly reason: 'same' | 'taken' | 'not-its-address' | 'no-worker';

  constructor(reason: RenameRefusedError['reason'], message: string, options?: TidemarkErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Thrown instead of waiting longer, because the mailbox waits for a person. */
export class MailboxBlockedError extends TidemarkError {
  override readonly name = 'MailboxBlockedError';
  readonly code = 'mailbox-blocked';
  declare readonly mailbox: MailboxId;
  /** The phase in which it waits. */
  readonly phase: BlockedPhase;

  constructor(mailbox: MailboxId, phase: BlockedPhase, reason: BlockReason | null) {
    super(blockedText(mailbox, phase, reason), { mailbox, remedy: blockedRemedy(mailbox, phase, reason) });
    this.phase = phase;
  }
}

/**
 * Thrown when the server accepts no more signals for a mailbox, because no worker has processed those that it holds.
 */
export class MailboxSwampedError extends TidemarkError {
  override readonly name = 'MailboxSwampedError';
  readonly code = 'mailbox-swamped';
  declare readonly mailbox: MailboxId;

  constructor(mailbox: MailboxId, options?: ErrorOptions) {
    super(
      `As many signals wait for ${mailbox} as Temporal keeps, 10,000 by default, because no worker has taken them: ` +
        'no command reaches it until one has.',
      { ...options, mailbox, remedy: { kind: 'run-worker' } },
    );
  }
}

/** Thrown when no Temporal server answers. */
export class ServerUnreachableError extends TidemarkError {
  override readonly name = 'ServerUnreachableError';
  readonly code = 'server-unreachable';
  /** Where it was looked for: `host:port`. */
  readonly address: string;

  constructor(address: string, options?: ErrorOptions) {
    super(`No Temporal server answers at ${address}.`, {
      ...options,
      remedy: { kind: 'run-server' },
    });
    this.address = address;
  }
}

/** Thrown when the Temporal server refuses access. */
export class ServerRefusedError extends TidemarkError {
  override readonly name = 'ServerRefusedError';
  readonly code = 'server-refused';

  constructor(address: string, options?: ErrorOptions) {
    super(`The Temporal server at ${address} refuses access.`, {
      ...options,
      remedy: { kind: 'check-server-access' },
    });
  }
}

/** Thrown when the Temporal server has no such namespace. */
export class NamespaceNotFoundError extends TidemarkError {
  override readonly name = 'NamespaceNotFoundError';
  readonly code = 'namespace-not-found';

  constructor(namespace: string, options?: ErrorOptions) {
    super(`The Temporal server has no namespace "${namespace}".`, {
      ...options,
      remedy: { kind: 'make-namespace', namespace },
    });
  }
}

/**
 * Thrown when a build cannot become current, because its workers do not poll all the queues that the current build's
 * workers poll.
 */
export class BuildNotReadyError extends TidemarkError {
  override readonly name = 'BuildNotReadyError';
  readonly code = 'build-not-ready';

  constructor({ deploymentName, buildId }: { deploymentName: string; buildId: string | null }, options?: ErrorOptions) {
    super(
      buildId === null
        ? 'No worker without a build id polls yet. Start one without TIDEMARK_BUILD_ID, and try again.'
        : `No worker of ${deploymentName} with build id "${buildId}" polls yet. ` +
            'Start workers of that build (TIDEMARK_DEPLOYMENT, TIDEMARK_BUILD_ID), and try again.',
      options,
    );
  }
}

/** Thrown for an unexpected error of Temporal's, which is the `cause`. */
export class TemporalFailureError extends TidemarkError {
  override readonly name = 'TemporalFailureError';
  readonly code = 'temporal-failure';
}
