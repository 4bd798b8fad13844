import type { MailboxId } from '../model/ids.ts';
import type { Remedy } from '../model/remedy.ts';
import type { Phase } from '../workflows/phase.ts';

/**
 * A phase in which a mailbox waits for a person. In `needs-consent` and `failed` it also asks Gmail again by itself,
 * less and less often.
 */
export type BlockedPhase = 'paused' | 'needs-consent' | 'failed';

/** The phases that `resume` ends. */
export const RESUMABLE_PHASES = ['failed', 'needs-consent', 'paused'] as const satisfies readonly BlockedPhase[];

export function isBlocked(phase: Phase | 'stopped'): phase is BlockedPhase {
  return phase === 'paused' || phase === 'needs-consent' || phase === 'failed';
}

/** Whether a mailbox is at work: neither stopped, nor paused, nor blocked. */
export function isRunning({ phase }: { readonly phase: Phase | 'stopped' }): boolean {
  return phase !== 'stopped' && !isBlocked(phase);
}

/** Why a mailbox is blocked, as its workflow or the store says it. */
export interface BlockReason {
  /** A sentence for a person. */
  readonly message: string;
  /** What a person can do; absent when nothing is known. */
  readonly remedy?: Remedy | undefined;
}

/**
 * Why a mailbox is blocked: a sentence.
 *
 * @param reason - null when it is unknown
 */
export function blockedText(mailbox: MailboxId, phase: BlockedPhase, reason: BlockReason | null): string {
  if (phase === 'paused') return `${mailbox} is paused.`;
  if (reason === null) return `${mailbox} is in phase ${phase}.`;
  const said = reason.message.replace(/\.$/, '');
  return said.includes(mailbox) ? `${said}.` : `${mailbox} is in phase ${phase}: ${said}.`;
}

/**
 * What a person can do about a blocked mailbox. Null when the reason itself names commands, as reasons of earlier
 * versions do.
 */
export function blockedRemedy(mailbox: MailboxId, phase: BlockedPhase, reason: BlockReason | null): Remedy | null {
  if (phase === 'paused') return { kind: 'end-pause', mailbox };
  if (reason?.remedy !== undefined) return reason.remedy;
  if (reason?.message.includes('tidemark ') === true) return null;
  return phase === 'failed' ? { kind: 'ask-again', mailbox, orConnect: false } : { kind: 'connect', mailbox };
}

/** Why the mailbox of a report is blocked; null when the report does not say. */
export function blockReasonOf({
  blocked = null,
  lastError,
}: {
  readonly blocked?: Partial<BlockReason> | null;
  readonly lastError: { readonly message: string } | null;
}): BlockReason | null {
  return blocked?.message === undefined ? lastError : { message: blocked.message, remedy: blocked.remedy };
}
