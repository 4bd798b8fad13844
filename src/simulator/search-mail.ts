import { isSameAddress } from '../model/address.ts';
import { asksForHidden, type Query, type State, type TextField } from '../query/query-tree.ts';
import { parseQuery } from '../query/parse-query.ts';
import { QueryError } from '../query/query-error.ts';
import { holdsRun, standsAround } from '../query/text-words.ts';
import { ApiError } from './api-error.ts';
import type { SimulatedLabel } from './label-book.ts';
import { headerValue } from './mime.ts';
import type { ParsedMessage } from './payload.ts';
import { costlyLast } from './search-order.ts';
import { headerAddresses, hasAttachment, searchedTexts, type SearchedTexts } from './searched-texts.ts';

/** A message as a search sees it. Its bytes are parsed only when the search needs them. */
export interface Searchable {
  readonly internalDate: number;
  readonly labelIds: readonly string[];
  parsed(): ParsedMessage;
}

/** The mailbox in which one searches. */
export interface SearchPlace {
  readonly email: string;
  labels(): readonly SimulatedLabel[];
}

export interface MailSearch {
  matches(message: Searchable): boolean;
  /** Whether the search itself asks for spam or trash, so that they are not left out. */
  readonly includesHidden: boolean;
}

/**
 * Reads a `q`.
 *
 * @param options.isLenient - searches for the words of what is not simulated
 * @throws {ApiError} 501 with the name of what is not simulated
 */
export function searchFor(
  q: string,
  mailbox: SearchPlace,
  { now, isLenient }: { readonly now: number; readonly isLenient: boolean },
): MailSearch {
  const query = costlyLast(parsed(q, { now, isLenient }));
  const labels = new SearchedLabels(mailbox.labels());
  if (!isLenient) requireLabels(query, labels);
  return {
    matches: (message) => new Reading(message, { email: mailbox.email, labels }).matches(query),
    includesHidden: asksForHidden(query),
  };
}

function parsed(q: string, options: { readonly now: number; readonly isLenient: boolean }): Query {
  try {
    return parseQuery(q, options);
  } catch (error) {
    if (error instanceof QueryError) throw notSimulated(error.message);
    throw error;
  }
}

const notSimulated = (message: string): ApiError => new ApiError(501, 'notImplemented', `Not simulated: ${message}`);

/** `in:` and `is:` name more than labels, so a name that is no label may be a place or a state. */
function requireLabels(query: Query, labels: SearchedLabels): void {
  if (query.kind === 'label' && query.mustExist && labels.named(query.name).size === 0)
    throw notSimulated(`in:${query.name} and is:${query.name} name no label of this mailbox.`);
  if (query.kind === 'not') requireLabels(query.of, labels);
  if (query.kind === 'all' || query.kind === 'any') for (const part of query.of) requireLabels(part, labels);
}

/** The labels of a mailbox, by the names under which a search finds them. */
class SearchedLabels {
  readonly own: ReadonlySet<string>;
  readonly #ids = new Map<string, Set<string>>();

  constructor(labels: readonly SimulatedLabel[]) {
    this.own = new Set(labels.filter(({ type }) => type === 'user').map(({ id }) => id));
    for (const { id, name } of labels) for (const key of [id, name]) this.#add(hyphened(key), id);
  }

  /** The ids of the labels with this name or id. */
  named(name: string): ReadonlySet<string> {
    return this.#ids.get(hyphened(name)) ?? new Set();
  }

  #add(name: string, id: string): void {
    const ids = this.#ids.get(name);
    if (ids === undefined) this.#ids.set(name, new Set([id]));
    else ids.add(id);
  }
}

/** Gmail writes a label's spaces and slashes as hyphens in searches. */
const hyphened = (name: string): string =>
  name
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s/&(){}|"]/g, '-');

/** One message, while a search looks at it. */
class Reading {
  readonly #message: Searchable;
  readonly #mailbox: { readonly email: string; readonly labels: SearchedLabels };
  #texts: SearchedTexts | null = null;

  constructor(message: Searchable, mailbox: { readonly email: string; readonly labels: SearchedLabels }) {
    this.#message = message;
    this.#mailbox = mailbox;
  }

  matches(query: Query): boolean {
    const { internalDate, labelIds } = this.#message;
    switch (query.kind) {
      case 'all':
        return query.of.every((part) => this.matches(part));
      case 'any':
        return query.of.some((part) => this.matches(part));
      case 'not':
        return !this.matches(query.of);
      case 'label':
        return labelIds.some((id) => this.#mailbox.labels.named(query.name).has(id));
      case 'state':
        return this.#is(query.is);
      case 'from-on':
        return internalDate >= query.at;
      case 'before':
        return internalDate < query.at;
      case 'larger':
        return this.#message.parsed().sizeEstimate > query.bytes;
      case 'smaller':
        return this.#message.parsed().sizeEstimate < query.bytes;
      case 'words':
        return this.#in(query.field).some((text) => holdsRun(query.words, text));
      case 'around':
        return this.#in(query.field).some((text) => standsAround(query.words, text, query));
      case 'me':
        return headerAddresses(this.#message.parsed().root, query.field).some((address) => this.#isOwn(address));
      case 'message-id':
        return this.#messageId === query.id;
    }
  }

  /** Mail to `ada+news@example.com` is Ada's. */
  #isOwn(address: string): boolean {
    return isSameAddress(address.replace(/\+[^@]*@/, '@'), this.#mailbox.email);
  }

  get #messageId(): string | undefined {
    const value = headerValue(this.#message.parsed().root.headers, 'message-id') ?? '';
    return (/<([^>]*)>/.exec(value)?.[1] ?? value).trim();
  }

  #is(state: State): boolean {
    const { labelIds } = this.#message;
    switch (state) {
      case 'anywhere':
        return true;
      case 'archived':
        return !labelIds.some((id) => PLACES.has(id));
      case 'read':
        return !labelIds.includes('UNREAD');
      case 'with-attachment':
        return hasAttachment(this.#message.parsed().root);
      case 'with-user-label':
        return labelIds.some((id) => this.#mailbox.labels.own.has(id));
    }
  }

  #in(field: TextField): readonly (readonly string[])[] {
    this.#texts ??= searchedTexts(this.#message.parsed().root);
    return this.#texts[field];
  }
}

/** Mail with one of these labels is not in the archive. */
const PLACES: ReadonlySet<string> = new Set(['INBOX', 'SPAM', 'TRASH', 'DRAFT', 'SENT', 'CHAT']);
