import { ApiError, insufficientPermissions, invalidArgument } from './api-error.ts';
import { maxResults } from './route.ts';
import type { Identity } from './tokens.ts';

/** The part of the Directory API's user that mailbox clients need. */
export interface SimulatedUser {
  readonly suspended: boolean;
  readonly archived: boolean;
  readonly isMailboxSetup: boolean;
  readonly isAdmin: boolean;
  readonly orgUnitPath: string;
  /** Other addresses of the user. A renamed user keeps the former address as an alias. */
  readonly aliases: readonly string[];
}

export const DIRECTORY_PATH = '/admin/directory/v1/users';
const SCOPES = [
  'https://www.googleapis.com/auth/admin.directory.user.readonly',
  'https://www.googleapis.com/auth/admin.directory.user',
];
const PAGE = { usual: 100, most: 500 };
const ORDINARY: SimulatedUser = {
  suspended: false,
  archived: false,
  isMailboxSetup: true,
  isAdmin: false,
  orgUnitPath: '/',
  aliases: [],
};

/**
 * The users of one Workspace domain:
 * https://developers.google.com/workspace/admin/directory/reference/rest/v1/users/list
 * Every mailbox of the simulator belongs to a user. Users without a mailbox may be added.
 */
export class Directory {
  readonly #mailboxes: () => readonly string[];
  readonly #users = new Map<string, SimulatedUser>();

  constructor(mailboxes: () => readonly string[]) {
    this.#mailboxes = mailboxes;
  }

  /** Creates or changes a user; fields that are not given stay as they are. */
  set(email: string, user: Partial<SimulatedUser>): void {
    this.#users.set(email, { ...this.#user(email), ...user });
  }

  /** https://support.google.com/a/answer/182084: the former address becomes an alias. */
  rename(from: string, to: string): void {
    const user = this.#user(from);
    this.#users.delete(from);
    this.#users.set(to, { ...user, aliases: [...user.aliases.filter((alias) => alias !== to), from] });
  }

  /**
   * One page, in the order of e-mail addresses.
   * @throws {ApiError} 403 without the scope, or when the caller is not an administrator; 400 for an invalid query
   */
  users(identity: Identity, query: URLSearchParams): object {
    if (!identity.scopes.some((scope) => SCOPES.includes(scope))) throw insufficientPermissions();
    if (!this.#user(identity.email).isAdmin)
      throw new ApiError(403, 'forbidden', 'Not Authorized to access this resource/api');
    if (query.get('customer') !== 'my_customer' && query.get('domain') === null)
      throw new ApiError(400, 'badRequest', 'Bad Request');
    const unit = unitIn(query.get('query'));
    const emails = [...new Set([...this.#mailboxes(), ...this.#users.keys()])].toSorted();
    const found = emails.filter((email) => isUnder(this.#user(email).orgUnitPath, unit));
    if (unit !== '/' && !emails.some((email) => isUnder(this.#user(email).orgUnitPath, unit)))
      throw new ApiError(400, 'invalid', 'Invalid Input: INVALID_OU_ID');
    const size = maxResults(query, PAGE.usual, PAGE.most);
    const after = query.get('pageToken');
    const from = after === null ? 0 : found.findIndex((email) => email > Buffer.from(after, 'base64url').toString());
    const page = from < 0 ? [] : found.slice(from, from + size);
    const last = page.at(-1);
    const more =
      last !== undefined && last !== found.at(-1) ? { nextPageToken: Buffer.from(last).toString('base64url') } : {};
    // Google leaves `users` out of an empty page.
    return {
      kind: 'admin#directory#users',
      ...(page.length === 0
        ? {}
        : {
            users: page.map((email) => ({ kind: 'admin#directory#user', primaryEmail: email, ...this.#user(email) })),
          }),
      ...more,
    };
  }

  #user(email: string): SimulatedUser {
    return this.#users.get(email) ?? ORDINARY;
  }
}

function unitIn(query: string | null): string {
  if (query === null || query === '') return '/';
  const path = /^orgUnitPath='((?:[^'\\]|\\.)+)'$/.exec(query)?.[1];
  if (path === undefined) throw invalidArgument('Invalid Input: query');
  return path.replace(/\\(.)/g, '$1');
}

const isUnder = (path: string, unit: string): boolean => unit === '/' || path === unit || path.startsWith(`${unit}/`);
