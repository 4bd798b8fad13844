import { GmailError } from '../gmail/api/gmail-error.ts';
import type { GmailSession, ListMessagesQuery, MessagePage } from '../gmail/api/gmail-api.ts';
import type { LabelId } from '../model/ids.ts';
import { isHiding, type Scope } from '../model/settings.ts';

/** One listing of ids, whichever page of it. */
export type IdListing = Omit<ListMessagesQuery, 'pageToken'>;

/** One listing per scope label (Gmail ANDs label ids, a scope means any of them), or one of all mail. */
export function listings(scope: Scope): readonly IdListing[] {
  const base = listingBase(scope);
  return scope.labelIds.length === 0 ? [base] : scope.labelIds.map((id) => ({ ...base, labelIds: [id] }));
}

function listingBase(scope: Scope): IdListing {
  // `after:` in seconds may round: the exact age is judged by the message itself once it is fetched.
  return { includeSpamTrash: scope.includeSpamTrash, ...(scope.after === null ? {} : { q: `after:${Math.floor(scope.after / 1000) - 1}` }) };
}

/** Which messages of the scope's age carry a label. (A label of the scope is no condition here: it may be taken off between two listings.) */
export const labelListing = (scope: Scope, label: LabelId): IdListing => ({ ...listingBase(scope), labelIds: [label] });

/**
 * The labels whose listings, beside the scope's own, tell every label of the messages in scope. A label of the scope is listed by the scope's listings. Where
 * those show nothing of spam and trash, what they show carries neither; what is hidden later is in the history since the mark.
 */
export function labelsToList(scope: Scope, labelIds: readonly LabelId[]): readonly LabelId[] {
  const showsHidden = scope.includeSpamTrash || scope.labelIds.some(isHiding);
  return labelIds.filter((id) => !scope.labelIds.includes(id) && (showsHidden || !isHiding(id)));
}

/** `restart`: Gmail no longer takes the page token. `label-gone`: the listing's label does not exist. */
export type ListedPage = MessagePage | 'restart' | 'label-gone';

/**
 * One page of a listing. A label is gone only by two witnesses: Gmail refuses its listing, and labels.list does not name it. One that labels.list
 * leaves out may be carried all the same (lieer#48), and one refusal may pass.
 */
export async function listIds(session: GmailSession, query: ListMessagesQuery, signal: AbortSignal): Promise<ListedPage> {
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

/** Every page of a listing, from the top again where a page token went stale: for readers whom a page read twice does no harm. */
export async function* pagesOf(session: GmailSession, query: IdListing, signal: AbortSignal): AsyncGenerator<MessagePage['messages'], void, undefined> {
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
