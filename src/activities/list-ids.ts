import { GmailError } from '../gmail/api/gmail-error.ts';
import type { GmailSession, ListMessagesQuery, MessagePage } from '../gmail/api/gmail-api.ts';
import type { IdListing } from '../gmail/api/scope-listings.ts';
import type { LabelId } from '../model/ids.ts';
import { isHiding, type Scope } from '../model/settings.ts';

/**
 * The labels to list besides the scope's own listings so that every label of the messages in scope is known. The
 * scope's listings cover the scope's labels. If the scope leaves out spam and trash, the listed messages carry neither
 * label; a message that is hidden later is in the history since the mark.
 */
export function labelsToList(scope: Scope, labelIds: readonly LabelId[]): readonly LabelId[] {
  const showsHidden = scope.includeSpamTrash || scope.labelIds.some(isHiding);
  return labelIds.filter((id) => !scope.labelIds.includes(id) && (showsHidden || !isHiding(id)));
}

/** `restart`: Gmail no longer accepts the page token. `label-gone`: the listing's label does not exist. */
export type ListedPage = MessagePage | 'restart' | 'label-gone';

/**
 * One page of a listing. A label is gone only if Gmail refuses its listing and labels.list does not name it. Neither is
 * enough by itself: messages may carry a label that labels.list leaves out (lieer#48), and a refusal may be temporary.
 */
export async function listIds(
  session: GmailSession,
  query: ListMessagesQuery,
  signal: AbortSignal,
): Promise<ListedPage> {
  try {
    return await session.listMessages(query, signal);
  } catch (error) {
    if (!(error instanceof GmailError) || error.failure.kind !== 'invalid-request') throw error;
    if (query.pageToken !== null) return 'restart';
    const named = new Set((await session.listLabels(signal)).map((label) => label.id));
    if (query.labelIds?.every((id) => named.has(id)) ?? true) throw error;
    return 'label-gone';
  }
}

/**
 * Every page of a listing. It starts from the top again when a page token went stale, so the reader must tolerate a
 * repeated page.
 */
export async function* pagesOf(
  session: GmailSession,
  query: IdListing,
  signal: AbortSignal,
): AsyncGenerator<MessagePage['messages'], void, undefined> {
  let pageToken: string | null = null;
  for (;;) {
    signal.throwIfAborted();
    const page: ListedPage = await listIds(session, { ...query, pageToken }, signal);
    if (page === 'label-gone') return;
    if (page !== 'restart') yield page.messages;
    if (page !== 'restart' && page.nextPageToken === null) return;
    pageToken = page === 'restart' ? null : page.nextPageToken;
  }
}
