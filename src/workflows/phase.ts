/**
 * The phases by which an operator can filter mailboxes. The CLI, the Temporal UI, metrics and docs use the same words.
 */
export const PHASES = ['full-sync', 'live', 'recovering', 'rate-limited', 'needs-consent', 'paused', 'failed'] as const;
export type Phase = (typeof PHASES)[number];
