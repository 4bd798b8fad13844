import type { MailboxId } from '../../model/ids.ts';
import { gmailError, INVALID_PAGE_TOKEN } from './classify.ts';

/** Describes an answer whose next page has been read before. */
export const LEADS_BACK = 'its next page is one that was read already';

/** The page tokens followed since the top of one listing. A next page among them would lead in a circle. */
export class PageWalk {
  readonly #followed = new Set<string>();

  follow(pageToken: string): void {
    this.#followed.add(pageToken);
  }

  leadsBack(nextPageToken: string | null | undefined): boolean {
    return typeof nextPageToken === 'string' && this.#followed.has(nextPageToken);
  }
}

interface Page {
  readonly nextPageToken: string | null;
}

interface Course {
  walk: PageWalk;
  restarted: boolean;
}

/**
 * The walks through the listings of one session. An answer whose next page has been read before is malformed, and the
 * call is repeated. If the answer stays malformed, the call fails once with an invalid page token, so that the listing
 * begins again from its top. If that happens again, the call fails as unavailable.
 */
export class PageWalks {
  readonly #mailbox: MailboxId;
  readonly #courses = new Map<string, Course>();

  constructor(mailbox: MailboxId) {
    this.#mailbox = mailbox;
  }

  /**
   * @param listing - what is listed, without the page token
   * @param read - reads the page. It passes each attempt to `attempt`, which throws if the page leads back
   * @throws {GmailError} what `read` throws
   */
  async next<Read extends Page>(
    method: 'messages.list' | 'history.list',
    { pageToken, ...listing }: { readonly pageToken: string | null },
    read: (attempt: (ask: () => Promise<Read>) => Promise<Read>) => Promise<Read>,
  ): Promise<Read> {
    const key = JSON.stringify([method, listing]);
    const course = this.#courses.get(key) ?? { walk: new PageWalk(), restarted: false };
    this.#courses.set(key, course);
    if (pageToken === null) course.walk = new PageWalk();
    else course.walk.follow(pageToken);
    let leadsBack = false;
    const attempt = async (ask: () => Promise<Read>): Promise<Read> => {
      leadsBack = false;
      const page = await ask();
      leadsBack = course.walk.leadsBack(page.nextPageToken);
      if (leadsBack) throw gmailError(this.#mailbox, method, { kind: 'unavailable', status: 200, detail: LEADS_BACK });
      return page;
    };
    try {
      const page = await read(attempt);
      if (page.nextPageToken === null) this.#courses.delete(key);
      return page;
    } catch (error) {
      if (!leadsBack || course.restarted) throw error;
      course.restarted = true;
      throw gmailError(this.#mailbox, method, { kind: 'invalid-request', reason: INVALID_PAGE_TOKEN }, error);
    }
  }
}
