/**
 * The phases by which an operator can filter mailboxes. The CLI, the Temporal UI, metrics and docs use the same words.
 */
export const PHASES = ['full-sync', 'live', 'recovering', 'rate-limited', 'needs-consent', 'paused', 'failed'] as const;
/** What a mailbox does now: one of {@link PHASES}. */
export type Phase = (typeof PHASES)[number];
