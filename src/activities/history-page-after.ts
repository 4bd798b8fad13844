import type { GmailSession, HistoryPage } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { HistoryId } from '../model/ids.ts';

interface HistoryPlace {
  readonly startHistoryId: HistoryId;
  readonly pageToken: string;
}

/**
 * The page at a token, or the first page again when Gmail no longer accepts the token: applying a record twice does
 * nothing.
 */
export async function historyPageAfter(
  session: GmailSession,
  { startHistoryId, pageToken }: HistoryPlace,
  signal: AbortSignal,
): Promise<HistoryPage> {
  try {
    return await session.listHistory({ startHistoryId, pageToken }, signal);
  } catch (error) {
    if (!(error instanceof GmailError) || error.failure.kind !== 'invalid-request') throw error;
    return await session.listHistory({ startHistoryId, pageToken: null }, signal);
  }
}
