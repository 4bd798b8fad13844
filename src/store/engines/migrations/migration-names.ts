/** In the order in which they run. A released name never changes. */
export const MIGRATION_NAMES = [
  '0001-mirror',
  '0002-audit',
  '0003-storage',
  '0004-bodies-outside',
  '0005-watch',
  '0007-day-usage',
  '0008-attachments',
  '0009-lacking',
  '0010-account',
  '0011-doubt',
  '0012-change-details',
  '0013-headers',
  '0014-subscriptions',
  '0015-feed',
  '0016-store-identity',
  '0017-subscription-targets',
  '0018-not-kept',
  '0019-delivery-remedy',
  '0020-failed-calls',
  '0021-events',
  '0022-unended-attempts',
  '0023-parked-replays',
] as const;

export type MigrationName = (typeof MIGRATION_NAMES)[number];
