import { scopesOf } from '../gmail/access/scopes.ts';
import type { GmailApi } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
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
 * Lists all ids of a scope, and what its first sync will have to fetch. Costs a messages.list for every 500 messages,
 * and as many again for those with attachments where attachments are wanted.
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
    const walk = new Walk(gmail, clock, signal);
    const threads = new Map<string, string>();
    const { labelIds, limit } = settings.scope;
    // Gmail lists the newest first. The newest of several labels are known only after all of them.
    const most = labelIds.length > 1 ? null : limit;
    for (const listing of listings(settings.scope))
      await walk.each(listing, (id, threadId) => {
        threads.set(id, threadId);
        return most === null || threads.size < most;
      });
    const attached = new Set<string>();
    if (wantsAttachments(settings))
      for (const listing of listings(settings.scope))
        await walk.each(withAttachments(listing), (id) => {
          if (threads.has(id)) attached.add(id);
          return attached.size < threads.size;
        });
    const messages = limit === null ? threads.size : Math.min(threads.size, limit);
    return {
      messages,
      isExact: messages === threads.size,
      threads: sizes(threads),
      attachedShare: threads.size === 0 ? 0 : attached.size / threads.size,
      pages: walk.pages,
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
 * Pages through listings. A person waits, and a large mailbox takes more than a minute's quota, so refusals are waited
 * out.
 */
class Walk {
  readonly #gmail: GmailApi;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  pages = 0;

  constructor(gmail: GmailApi, clock: Clock, signal: AbortSignal | undefined) {
    this.#gmail = gmail;
    this.#clock = clock;
    this.#signal = signal;
  }

  /** @param visit - called with each message; false ends the walk */
  async each(listing: IdListing, visit: (id: string, threadId: string) => boolean): Promise<void> {
    let pageToken: string | null = null;
    do {
      const page = await this.#page(listing, pageToken);
      this.pages += 1;
      for (const { id, threadId } of page.messages) if (!visit(id, threadId)) return;
      pageToken = page.nextPageToken;
    } while (pageToken !== null);
  }

  async #page(listing: IdListing, pageToken: string | null): ReturnType<GmailApi['listMessages']> {
    const end = this.#clock.now() + PATIENCE;
    for (;;) {
      try {
        return await this.#gmail.listMessages({ ...listing, pageToken }, this.#signal);
      } catch (error) {
        if (!(error instanceof GmailError)) throw error;
        const { failure } = error;
        const passes = failure.kind === 'rate-limited' || failure.kind === 'unavailable' || failure.kind === 'refused';
        if (!passes || this.#clock.now() >= end) throw error;
        const until = failure.kind === 'rate-limited' ? (failure.retryAt ?? 0) : 0;
        const wait = Math.min(Math.max(until - this.#clock.now(), PAUSE), Math.max(end - this.#clock.now(), PAUSE));
        await this.#clock.sleep(wait, this.#signal);
      }
    }
  }
}
