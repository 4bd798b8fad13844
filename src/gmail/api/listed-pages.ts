import type { MailboxId } from '../../model/ids.ts';
import { gmailError } from './classify.ts';
import type { ListMessagesQuery, MessagePage } from './gmail-api.ts';
import { LEADS_BACK, PageWalk } from './page-walk.ts';
import type { IdListing } from './scope-listings.ts';

/**
 * Every page of a listing, from its top. A page token that goes stale ends the listing with an error.
 *
 * @param read - reads one page
 * @throws {GmailError} what `read` throws, and `unavailable` when a page leads back to one that was read already
 */
export async function* listedPages(
  mailbox: MailboxId,
  listing: IdListing,
  read: (query: ListMessagesQuery) => Promise<MessagePage>,
): AsyncGenerator<MessagePage, void, undefined> {
  const walk = new PageWalk();
  let pageToken: string | null = null;
  do {
    const page: MessagePage = await read({ ...listing, pageToken });
    yield page;
    pageToken = page.nextPageToken;
    if (walk.leadsBack(pageToken))
      throw gmailError(mailbox, 'messages.list', { kind: 'unavailable', status: 200, detail: LEADS_BACK });
    if (pageToken !== null) walk.follow(pageToken);
  } while (pageToken !== null);
}
