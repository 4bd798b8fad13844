/**
 * Two kinds of work run beside each other for a mailbox: `live` (partial syncs) and `backfill` (listings, slices,
 * audits). Live calls get their quota units before backfill calls.
 */
export type Lane = 'live' | 'backfill';
