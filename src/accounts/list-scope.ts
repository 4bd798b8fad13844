import { scopesOf } from '../gmail/access/scopes.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import { listedPages } from '../gmail/api/listed-pages.ts';
import { listings, type IdListing } from '../gmail/api/scope-listings.ts';
import type { Clock } from '../model/clock.ts';
import { wantsAttachments, type MailboxSettings } from '../model/settings.ts';
import type { ListedScope } from '../model/settings-preview.ts';
import { mailboxCredentials, type LoginRequest } from './mailbox-credentials.ts';
import { withGmail } from './with-gmail.ts';

/** How long Gmail may go on refusing one page before the listing gives up. */
const PATIENCE = 5 * 60_000;
const PAUSE = 10_000;

/**
 * Lists all ids of a scope, and what its first sync will have to fetch. Costs one messages.list for every 500 messages.
 * When attachments are wanted, the messages that have some are listed once more.
 *
 * @returns null when the mailbox is not connected
 * @throws {LoginError} when Google refuses the credentials or cannot be reached
 */
export async function listScope(
  request: LoginRequest & { readonly settings: MailboxSettings; readonly signal?: AbortSignal | undefined },
): Promise<ListedScope | null> {
  const credentials = await mailboxCredentials(request);
  if (credentials === null) return null;
  const { settings, clock, signal } = request;
  return withGmail(request, { credentials, scopes: scopesOf(settings) }, async (gmail) => {
    let pages = 0;
    const pagesOf = (listing: IdListing) =>
      listedPages(request.mailbox, listing, async (query) => {
        pages += 1;
        return await patiently(() => gmail.listMessages(query, signal), clock, signal);
      });
    const threads = new Map<string, string>();
    for (const listing of listings(settings.scope)) {
      // Gmail lists the newest first.
      let left = settings.scope.limit ?? Infinity;
      for await (const { messages } of pagesOf(listing)) {
        const wanted = messages.slice(0, left);
        left -= wanted.length;
        for (const { id, threadId } of wanted) threads.set(id, threadId);
        if (left === 0) break;
      }
    }
    const attached = new Set<string>();
    if (wantsAttachments(settings))
      for (const listing of listings(settings.scope))
        for await (const { messages } of pagesOf(withAttachments(listing))) {
          for (const { id } of messages) if (threads.has(id)) attached.add(id);
          if (attached.size === threads.size) break;
        }
    return {
      messages: threads.size,
      threads: sizes(threads),
      attachedShare: threads.size === 0 ? 0 : attached.size / threads.size,
      pages,
    };
  });
}

const withAttachments = (listing: IdListing): IdListing => ({
  ...listing,
  q: [listing.q, 'has:attachment'].filter((part) => part !== undefined).join(' '),
});

/** How many threads have how many of the messages. */
function sizes(threads: ReadonlyMap<string, string>): ListedScope['threads'] {
  const perThread = new Map<string, number>();
  for (const id of threads.values()) perThread.set(id, (perThread.get(id) ?? 0) + 1);
  const counts = new Map<number, number>();
  for (const fresh of perThread.values()) counts.set(fresh, (counts.get(fresh) ?? 0) + 1);
  return [...counts].map(([fresh, count]) => ({ fresh, threads: count }));
}

/**
 * A person waits, and a large mailbox takes more than a minute's quota, so a refusal that will pass does not end the
 * listing.
 */
async function patiently<Answer>(
  ask: () => Promise<Answer>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const end = clock.now() + PATIENCE;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof GmailError)) throw error;
      const { failure } = error;
      const passes = failure.kind === 'rate-limited' || failure.kind === 'unavailable' || failure.kind === 'refused';
      const now = clock.now();
      if (!passes || now >= end) throw error;
      const named = failure.kind === 'rate-limited' ? (failure.retryAt ?? 0) : 0;
      await clock.sleep(Math.max(PAUSE, Math.min(named, end) - now), signal);
    }
  }
}
