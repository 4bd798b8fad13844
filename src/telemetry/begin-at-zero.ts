import { FAILURE_TYPES } from '../model/failure-type.ts';
import type { Telemetry } from '../model/telemetry.ts';

/**
 * Exports a worker's counters as 0 from its start. Prometheus sees no increase when a series appears with its first
 * count, so the first failure of a kind would raise no alert.
 *
 * @param activities - names of the activities
 * @see https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
 */
export function beginAtZero(telemetry: Telemetry, activities: readonly string[]): void {
  for (const lane of ['live', 'backfill']) telemetry.add('tidemark_messages_stored_total', 0, { lane });
  telemetry.add('tidemark_listings_doubted_total', 0, {});
  for (const outcome of ['accepted', 'failed', 'lost']) telemetry.add('tidemark_deliveries_total', 0, { outcome });
  telemetry.add('tidemark_delivered_changes_total', 0, {});
  telemetry.add('tidemark_parked_changes_total', 0, {});
  for (const change of ['added', 'deleted', 'relabelled', 'late'])
    telemetry.add('tidemark_history_changes_total', 0, { change });
  for (const activity of activities)
    for (const type of FAILURE_TYPES) telemetry.add('tidemark_activity_failures_total', 0, { activity, type });
}
