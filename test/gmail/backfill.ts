import type { FetchRequest, GmailSession } from '../../src/gmail/api/gmail-api.ts';
import { messageId } from '../../src/model/ids.ts';

export interface BackfillResult {
  readonly fetched: number;
  /** Calls that had to be planned again because Gmail refused them. */
  readonly refused: number;
}

/**
 * Fetches as the activities do: as many batches at once as the session says, refused calls planned again, until `count`
 * messages were fetched.
 */
export async function backfill(
  session: GmailSession,
  ids: readonly string[],
  count: number,
  until?: () => boolean,
): Promise<BackfillResult> {
  const flights = new Set<Promise<unknown>>();
  const failures: unknown[] = [];
  let left = count;
  let fetched = 0;
  let refused = 0;
  const goesOn = (): boolean => left > 0 && failures.length === 0 && until?.() !== true;
  while (goesOn() || flights.size > 0) {
    while (goesOn() && flights.size < session.width()) {
      const size = Math.min(left, session.batchSize());
      left -= size;
      const requests = Array.from({ length: size }, (_, index): FetchRequest => ({
        kind: 'message',
        id: messageId(ids[index % ids.length] ?? ''),
      }));
      const flight: Promise<unknown> = session
        .batchGet(requests, 'minimal')
        .then((outcomes) => {
          const answered = outcomes.filter((outcome) => outcome.kind === 'fetched').length;
          fetched += answered;
          refused += size - answered;
          left += size - answered;
          return answered;
        })
        .catch((error: unknown) => {
          failures.push(error);
        })
        .finally(() => flights.delete(flight));
      flights.add(flight);
    }
    await Promise.race(flights);
  }
  if (failures.length > 0) throw failures[0];
  return { fetched, refused };
}
