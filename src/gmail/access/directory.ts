import { admin, type admin_directory_v1 } from 'googleapis/build/src/apis/admin/index.js';
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { InvalidIdError, mailboxId, type MailboxId } from '../../model/ids.ts';
import { jsonOf } from '../../model/json-of.ts';
import { withDeadline } from '../../model/deadline.ts';
import { DirectoryError } from './directory-error.ts';
import { createGoogleClient } from '../api/google-client.ts';
import { LEADS_BACK, PageWalk } from '../api/page-walk.ts';
import type { TokenSource } from '../api/token-source.ts';
import type { HttpResponse, Transport } from '../api/transport.ts';

/** https://developers.google.com/workspace/admin/directory/v1/guides/authorizing */
export const DIRECTORY_SCOPE = 'https://www.googleapis.com/auth/admin.directory.user.readonly';

/** A user of a Workspace domain. */
export interface DirectoryUser {
  readonly mailbox: MailboxId;
  /**
   * The user's other addresses. A renamed user keeps the former address as an alias:
   * https://support.google.com/a/answer/182084
   */
  readonly aliases: readonly MailboxId[];
  /** Why the user's mail is not available now; null when it is. */
  readonly leftOut: 'suspended' | 'archived' | 'no-mailbox' | null;
}

export interface DirectoryOptions {
  /** The administrator's tokens, with {@link DIRECTORY_SCOPE}. */
  readonly tokens: TokenSource;
  readonly administrator: MailboxId;
  /** Path of an organisational unit, including those below it; null for the whole account. */
  readonly orgUnit: string | null;
  readonly transport: Transport;
  /** `https://admin.googleapis.com`, or a simulator's address. */
  readonly rootUrl: string;
  readonly clock: Clock;
}

/** The largest page. */
const PAGE_SIZE = 500;
/** A user of the basic projection has some kilobytes. */
const LARGEST_PAGE = 16 * 2 ** 20;
const TIMEOUT = 30_000;
/** Milliseconds before each further attempt. */
const PAUSES = [1_000, 2_000, 4_000];

const PAGE = z.object({
  nextPageToken: z.string().optional(),
  users: z
    .array(
      z.object({
        primaryEmail: z.string(),
        suspended: z.boolean().optional(),
        archived: z.boolean().optional(),
        isMailboxSetup: z.boolean().optional(),
        aliases: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

/**
 * The users of the administrator's Workspace account, page by page.
 *
 * @throws {DirectoryError} when Google refuses, or does not answer after some attempts
 * @throws {GmailError} when the administrator's token is refused
 * @see https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/list
 */
export async function* listUsers(options: DirectoryOptions): AsyncGenerator<DirectoryUser> {
  const { users } = admin({ version: 'directory_v1', rootUrl: `${options.rootUrl}/` });
  const walk = new PageWalk();
  let pageToken: string | undefined;
  do {
    if (pageToken !== undefined) walk.follow(pageToken);
    const page = await pageAfter(users, { pageToken, walk }, options);
    for (const {
      primaryEmail,
      aliases = [],
      suspended = false,
      archived = false,
      isMailboxSetup = true,
    } of page.users ?? []) {
      const mailbox = addressOf(primaryEmail);
      if (mailbox !== null)
        yield {
          mailbox,
          aliases: aliases.map(addressOf).filter((alias) => alias !== null),
          leftOut: suspended ? 'suspended' : archived ? 'archived' : isMailboxSetup ? null : 'no-mailbox',
        };
    }
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

function addressOf(email: string): MailboxId | null {
  try {
    return mailboxId(email);
  } catch (error) {
    if (error instanceof InvalidIdError) return null;
    throw error;
  }
}

async function pageAfter(
  users: admin_directory_v1.Resource$Users,
  { pageToken, walk }: { readonly pageToken: string | undefined; readonly walk: PageWalk },
  options: DirectoryOptions,
): Promise<z.output<typeof PAGE>> {
  const { tokens, orgUnit, transport, clock, rootUrl } = options;
  const client = createGoogleClient(users, transport);
  const query = orgUnit === null ? {} : { query: `orgUnitPath='${orgUnit.replace(/['\\]/g, '\\$&')}'` };
  const request = {
    customer: 'my_customer',
    maxResults: PAGE_SIZE,
    orderBy: 'email',
    projection: 'basic',
    ...query,
    ...(pageToken === undefined ? {} : { pageToken }),
  };
  for (let attempt = 0; ; attempt++) {
    const token = await tokens.accessToken();
    const response = await withDeadline({ clock, milliseconds: TIMEOUT, signal: undefined }, (signal) =>
      client((resource, call) => resource.list(request, call), { token, signal, maxBytes: LARGEST_PAGE }),
    ).catch(() => null);
    const page = response?.status === 200 ? PAGE.safeParse(jsonOf(response.body)) : null;
    const leadsBack = page?.success === true && walk.leadsBack(page.data.nextPageToken);
    if (page?.success === true && !leadsBack) return page.data;
    const refusal = response === null ? null : refusalOf(response, options);
    if (refusal !== null) throw refusal;
    const pause = PAUSES[attempt];
    if (pause === undefined)
      throw new DirectoryError(
        'google-unavailable',
        `Google's Directory API at ${rootUrl} gives no usable ` +
          `answer${response === null ? '' : ` (HTTP ${response.status}${leadsBack ? `: ${LEADS_BACK}` : ''})`}. ` +
          'Try again later.',
      );
    await clock.sleep(pause);
  }
}

const REFUSAL = z.object({
  error: z.object({
    message: z.string().default(''),
    errors: z.array(z.object({ reason: z.string().default('') })).default([]),
  }),
});
const RATE = /rateLimitExceeded|quotaExceeded/i;

/** The refusal in an answer; null when the same request may succeed later. */
function refusalOf(response: HttpResponse, { administrator, orgUnit }: DirectoryOptions): DirectoryError | null {
  const { status } = response;
  if (status === 429 || status >= 500 || status < 400) return null;
  const read = REFUSAL.safeParse(jsonOf(response.body));
  if (!read.success) return null;
  const { message, errors } = read.data.error;
  const reasons = errors.map(({ reason }) => reason);
  if (reasons.some((reason) => RATE.test(reason))) return null;
  if (reasons.includes('accessNotConfigured')) {
    return new DirectoryError(
      'api-disabled',
      'The Admin SDK API is not enabled in the Google Cloud project of the service account. ' +
        'Enable it in the console, and try again some minutes later.',
    );
  }
  if (reasons.includes('insufficientPermissions')) {
    return new DirectoryError(
      'scope-missing',
      `The service account's token lacks ${DIRECTORY_SCOPE}. ` +
        'Add the scope to its domain-wide delegation (Admin console, Security, API controls).',
    );
  }
  if (status === 401)
    return new DirectoryError(
      'google-unavailable',
      "Google's Directory API does not accept the token that Google gave the service account (HTTP 401), " +
        'which mostly passes: try again in some minutes.',
    );
  if (status === 403)
    return new DirectoryError(
      'no-administrator',
      `${administrator} may not list the users of the domain: an administrator needs the privilege to read users.`,
      { remedy: { kind: 'name-administrator' } },
    );
  if (orgUnit !== null && /INVALID_OU|org ?unit/i.test(message))
    return new DirectoryError(
      'no-such-org-unit',
      `There is no organisational unit ${orgUnit}. Write its whole path, for example /Sales/Europe.`,
    );
  return new DirectoryError(
    'google-unavailable',
    `Google's Directory API refuses the request (HTTP ${status}). ` +
      `Check the administrator's address${orgUnit === null ? '' : ' and the organisational unit'}.`,
  );
}
