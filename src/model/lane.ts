/**
 * Two kinds of work run beside each other for a mailbox: `live` (partial syncs) and `backfill` (listings, slices,
 * audits). Live calls get their quota units before backfill calls.
 */
export type Lane = 'live' | 'backfill';

/** The lane whose condition an activity's failure is; null for an activity without a condition. */
export const LANE_OF_ACTIVITY = {
  openMailbox: 'backfill',
  fullSync: 'backfill',
  recover: 'backfill',
  fetchSlice: 'backfill',
  audit: 'backfill',
  partialSync: 'live',
  lookForChanges: 'live',
  stopWatch: 'live',
  // Deliveries have their own state, in positions.
  deliver: null,
  noteEvents: null,
} as const satisfies Record<string, Lane | null>;
