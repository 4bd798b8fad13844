import type { Migration } from 'kysely/migration';
import type { StoreDialect } from '../dialect.ts';
import type { MigrationName } from './migration-names.ts';
import { mirror } from './0001-mirror.ts';
import { auditTables } from './0002-audit.ts';
import { postgresStorage } from './0003-storage.ts';
import { bodiesOutside } from './0004-bodies-outside.ts';
import { watchColumn } from './0005-watch.ts';
import { dayUsage } from './0007-day-usage.ts';
import { attachmentColumns } from './0008-attachments.ts';
import { lackingColumn } from './0009-lacking.ts';
import { accountColumns } from './0010-account.ts';
import { doubtColumns } from './0011-doubt.ts';
import { changeDetails } from './0012-change-details.ts';
import { messageHeaders } from './0013-headers.ts';
import { subscriptionTables } from './0014-subscriptions.ts';
import { feedTables } from './0015-feed.ts';
import { formerStores } from './0016-store-identity.ts';
import { subscriptionTargets } from './0017-subscription-targets.ts';
import { notKeptColumn } from './0018-not-kept.ts';
import { deliveryRemedyColumn } from './0019-delivery-remedy.ts';
import { failedCalls } from './0020-failed-calls.ts';
import { eventTables } from './0021-events.ts';
import { unendedAttempts } from './0022-unended-attempts.ts';
import { parkedReplays } from './0023-parked-replays.ts';

const CREATED_BY = {
  '0001-mirror': mirror,
  '0002-audit': auditTables,
  '0003-storage': postgresStorage,
  '0004-bodies-outside': bodiesOutside,
  '0005-watch': watchColumn,
  '0007-day-usage': dayUsage,
  '0008-attachments': attachmentColumns,
  '0009-lacking': lackingColumn,
  '0010-account': accountColumns,
  '0011-doubt': doubtColumns,
  '0012-change-details': changeDetails,
  '0013-headers': messageHeaders,
  '0014-subscriptions': subscriptionTables,
  '0015-feed': feedTables,
  '0016-store-identity': formerStores,
  '0017-subscription-targets': subscriptionTargets,
  '0018-not-kept': notKeptColumn,
  '0019-delivery-remedy': deliveryRemedyColumn,
  '0020-failed-calls': failedCalls,
  '0021-events': eventTables,
  '0022-unended-attempts': unendedAttempts,
  '0023-parked-replays': parkedReplays,
} as const satisfies Record<MigrationName, (dialect: StoreDialect) => Migration>;

/** The migrations by their names. Loaded when one has to run. */
export function createMigrations(dialect: StoreDialect): Record<string, Migration> {
  return Object.fromEntries(Object.entries(CREATED_BY).map(([name, create]) => [name, create(dialect)]));
}
