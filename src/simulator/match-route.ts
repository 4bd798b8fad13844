import { invalidArgument, notFound } from './api-error.ts';
import { DRAFT_ROUTES } from './draft-routes.ts';
import type { ApiCall } from './http.ts';
import { READING_ROUTES } from './reading-routes.ts';
import type { Route, RouteTable } from './route.ts';
import { WRITING_ROUTES } from './writing-routes.ts';

const ROUTES: RouteTable = { ...READING_ROUTES, ...WRITING_ROUTES, ...DRAFT_ROUTES };
/** Path segments that are not identifiers. */
const VERBS = new Set(['import', 'send', 'batchModify', 'batchDelete', 'modify', 'trash', 'untrash', 'attachments']);
const USERS = /^(\/upload|\/resumable\/upload)?\/gmail\/v1\/users\/([^/]+)\/(.+)$/;

/** Which method of the API a call is, and the identifiers in its path. */
export interface MatchedRoute {
  readonly route: Route;
  readonly userId: string;
  readonly ids: string[];
  /** Whether the path is that of an upload. */
  readonly isUpload: boolean;
}

/** @throws {ApiError} 404 for a path that the API does not have, 400 for one that cannot be decoded */
export function matchRoute(call: ApiCall): MatchedRoute {
  const [, upload, userId = '', rest = ''] = USERS.exec(call.url.pathname) ?? [];
  const ids: string[] = [];
  const [collection = '', ...segments] = rest.split('/');
  const pattern = segments.map((segment) => {
    if (VERBS.has(segment)) return segment;
    ids.push(decoded(segment));
    return '*';
  });
  const route = ROUTES[`${call.httpMethod} ${[collection, ...pattern].join('/')}`];
  if (route === undefined) throw notFound(`${call.httpMethod} ${call.url.pathname}`);
  return { route, userId: decoded(userId), ids, isUpload: upload !== undefined };
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidArgument('Invalid URL');
  }
}
