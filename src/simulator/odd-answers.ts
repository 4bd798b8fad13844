import { JSON_TYPE, type ApiAnswer } from './http.ts';
import type { ApiMethod } from './method-prices.ts';
import { isFields } from './route.ts';

/** Answers with status 200 that differ from what the mailbox holds. The call is carried out and costs its units. */
export type OddAnswer =
  /** A page without entries and without a nextPageToken, although there are entries. */
  | { readonly kind: 'empty-page' }
  /** A page that lacks its nextPageToken, as if nothing followed. */
  | { readonly kind: 'cut-page' }
  /** From the second page on, each page names itself as the next one. */
  | { readonly kind: 'repeat-token' }
  /** `{}`, which is valid protocol-buffer JSON for every method. */
  | { readonly kind: 'empty-object' }
  /** Top-level fields of the answer have these values; those in `without` are missing. */
  | {
      readonly kind: 'replace';
      readonly fields: Readonly<Record<string, unknown>>;
      readonly without?: readonly string[] | undefined;
    };

export type AnsweredMethod = ApiMethod | 'batch' | 'token';

/** The field that holds each list's entries. */
const ENTRIES: Partial<Record<AnsweredMethod, string>> = {
  'messages.list': 'messages',
  'threads.list': 'threads',
  'history.list': 'history',
  'labels.list': 'labels',
  'drafts.list': 'drafts',
};

const OF_PAGES = new Set<string>(['empty-page', 'cut-page', 'repeat-token'] satisfies OddAnswer['kind'][]);

/**
 * Whether an effect of that kind can show in an answer of the method: only lists have pages, and a batch has no fields.
 */
export function canShow(kind: string, method: AnsweredMethod | null): boolean {
  if (OF_PAGES.has(kind)) return method !== null && ENTRIES[method] !== undefined;
  return kind !== 'replace' || method !== 'batch';
}

/** @param pageToken - the call's own page token */
export function oddAnswer(json: string, odd: OddAnswer, method: AnsweredMethod, pageToken: string | null): string {
  switch (odd.kind) {
    case 'empty-object':
      return '{}';
    case 'replace':
      return changed(json, (fields) => without({ ...fields, ...odd.fields }, odd.without ?? []));
    case 'empty-page':
      return changed(json, (fields) => ({
        ...without(fields, [ENTRIES[method] ?? '', 'nextPageToken']),
        ...('resultSizeEstimate' in fields ? { resultSizeEstimate: 0 } : {}),
      }));
    case 'cut-page':
      return changed(json, (fields) => without(fields, ['nextPageToken']));
    case 'repeat-token':
      return changed(json, (fields) =>
        pageToken === null || pageToken === '' ? fields : { ...fields, nextPageToken: pageToken },
      );
  }
}

function changed(json: string, change: (fields: Record<string, unknown>) => object): string {
  const value: unknown = json === '' ? {} : JSON.parse(json);
  return isFields(value) ? JSON.stringify(change(value)) : json;
}

function without(fields: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

/** An answer from something between the client and Gmail, such as a proxy. */
export interface Interception {
  readonly status: number;
  /** HTML when not given. */
  readonly contentType?: string | undefined;
  /** The error page of Google's frontend when not given. */
  readonly body?: string | undefined;
}

export function interceptedAnswer({
  status,
  contentType = 'text/html; charset=UTF-8',
  body = errorPage(status),
}: Interception): ApiAnswer {
  return { status, json: body, contentType };
}

/** The batch endpoint has answered like this: https://github.com/googleapis/google-api-dotnet-client/issues/1622 */
function errorPage(status: number): string {
  return (
    `<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error ${status}</title>\n  ` +
    `<p><b>${status}.</b> <ins>That’s an error.</ins>\n  <p>${errorWords(status)}  ` +
    '<ins>That’s all we know.</ins>\n</html>\n'
  );
}

/** What Google's frontend says of an error of that kind. */
function errorWords(status: number): string {
  if (status === 404) return 'The requested URL was not found on this server.';
  return status < 500
    ? 'Your client has issued a malformed or illegal request.'
    : 'The server encountered a temporary error and could not complete your request.<p>Please try again in 30 seconds.';
}

export const contentTypeOf = ({ contentType, json }: ApiAnswer): string | null =>
  contentType ?? (json === '' ? null : JSON_TYPE);
