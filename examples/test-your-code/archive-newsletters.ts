// Some product's own Gmail code, which knows nothing of Tidemark.
import type { gmail_v1 } from 'googleapis/build/src/apis/gmail/v1.js';

/**
 * Archives the newsletters in the inbox.
 *
 * @returns how many there were
 */
export async function archiveNewsletters(gmail: gmail_v1.Gmail): Promise<number> {
  let archived = 0;
  for (let pageToken: string | undefined; ;) {
    const { data } = await gmail.users.messages.list({ userId: 'me', q: 'in:inbox category:promotions', pageToken });
    const ids = (data.messages ?? []).flatMap(({ id }) => id ?? []);
    if (ids.length > 0)
      await gmail.users.messages.batchModify({ userId: 'me', requestBody: { ids, removeLabelIds: ['INBOX'] } });
    archived += ids.length;
    pageToken = data.nextPageToken ?? undefined;
    if (pageToken === undefined) return archived;
  }
}
