import type { Client } from '@temporalio/client';

import { PHASES, type Phase } from '../workflows/phase.ts';
import { PHASE_ATTRIBUTE } from '../workflows/search-attributes.ts';
import { RUNNING_MAILBOXES } from './running.ts';

/**
 * Counts the running mailboxes by phase, with one visibility query for each phase: Temporal groups counts only by
 * execution status.
 *
 * @throws {Error} of gRPC's
 * @see https://docs.temporal.io/list-filter
 */
export async function countPhases(temporal: Client): Promise<ReadonlyMap<Phase, number>> {
  const counts = PHASES.map(async (phase) => {
    const { count } = await temporal.workflow.count(`${RUNNING_MAILBOXES} AND ${PHASE_ATTRIBUTE.name} = '${phase}'`);
    return [phase, count] as const;
  });
  return new Map(await Promise.all(counts));
}
