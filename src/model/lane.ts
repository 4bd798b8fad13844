/**
 * Two kinds of work run beside each other for a mailbox: `live` (partial syncs) and `backfill` (listings, slices,
 * audits).
 */
export type Lane = 'live' | 'backfill';
