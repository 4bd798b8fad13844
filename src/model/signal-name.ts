/**
 * The signal that a mailbox's activities send to their own workflow. Named here because activities don't import
 * workflows.
 */
export const RATE_LIMITED_SIGNAL = 'rateLimited';
