import { GmailError, type GmailFailure } from '../../src/gmail/api/gmail-error.ts';
import type { FetchOutcome, FetchRequest } from '../../src/gmail/api/gmail-api.ts';
import { messageId } from '../../src/model/ids.ts';
import { openGmail, openSessions, pricesAt } from '../fixtures/gmail/gmail-fixture.ts';

export const LIMIT = 6_000;
export const requestsFor = (ids: readonly string[]): FetchRequest[] =>
  ids.map((id) => ({ kind: 'message', id: messageId(id) }));
export const kinds = (outcomes: readonly FetchOutcome[]): string[] =>
  outcomes.map((outcome) => (outcome.kind === 'fetched' ? 'fetched' : outcome.error.failure.kind));

export async function failureOf(promise: Promise<unknown>): Promise<GmailFailure> {
  const error = await promise.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (error instanceof GmailError) return error.failure;
  throw error ?? new Error('it did not fail');
}

export function open(options: Parameters<typeof openGmail>[0] = {}) {
  const gmail = openGmail(options);
  const sessions = openSessions(gmail, pricesAt(LIMIT));
  return { ...gmail, ...sessions, session: sessions.open('backfill') };
}
