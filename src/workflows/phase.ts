/** What an operator can filter by. The same words in the CLI, the Temporal UI, metrics and docs. */
export const PHASES = ['full-sync', 'live', 'recovering', 'rate-limited', 'needs-consent', 'paused', 'failed'] as const;
export type Phase = (typeof PHASES)[number];
