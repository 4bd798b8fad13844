import { asksForHidden, type Query, type State, type TextField } from '../query/query-tree.ts';
import { parseQuery } from '../query/parse-query.ts';
import { QueryError } from '../query/query-error.ts';
import { holdsRun, standsAround, wordsOf } from '../query/words.ts';
import { ApiError } from './api-error.ts';
import type { SimulatedLabel } from './label-book.ts';
import { headerValue, type MimePart } from './mime.ts';
import type { ParsedMessage } from './payload.ts';
import { searchedTexts, type SearchedTexts } from './searched-texts.ts';

/** A message as a search sees it. Its bytes are parsed only when the search needs them. */
export interface Searchable {
  readonly internalDate: number;
  readonly labelIds: readonly string[];
  parsed(): ParsedMessage;
}

/** The mailbox in which one searches. */
export interface SearchedMailbox {
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
  mailbox: SearchedMailbox,
  { now, isLenient }: { readonly now: number; readonly isLenient: boolean },
): MailSearch {
  const query = parsed(q, { now, isLenient });
  const labels = mailbox.labels();
  return {
    matches: (message) => new Reading(message, { email: mailbox.email, labels }).matches(query),
    includesHidden: asksForHidden(query),
  };
}

function parsed(q: string, options: { readonly now: number; readonly isLenient: boolean }): Query {
  try {
    return parseQuery(q, options);
  } catch (error) {
    if (error instanceof QueryError) throw new ApiError(501, 'notImplemented', `Not simulated: ${error.message}`);
    throw error;
  }
}

/** One message, while a search looks at it. */
class Reading {
  readonly #message: Searchable;
  readonly #mailbox: { readonly email: string; readonly labels: readonly SimulatedLabel[] };
  #texts: SearchedTexts | null = null;

  constructor(message: Searchable, mailbox: { readonly email: string; readonly labels: readonly SimulatedLabel[] }) {
    this.#message = message;
    this.#mailbox = mailbox;
  }

  matches(query: Query): boolean {
    const { internalDate } = this.#message;
    switch (query.kind) {
      case 'all':
        return cheapFirst(query.of).every((part) => this.matches(part));
      case 'any':
        return cheapFirst(query.of).some((part) => this.matches(part));
      case 'not':
        return !this.matches(query.of);
      case 'label':
        return this.#labels.some(({ id, name }) => isNamed(query.name, id) || isNamed(query.name, name));
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
        return this.#in(query.field).some((text) => holdsRun(wordsOf(this.#mailbox.email), text));
      case 'message-id':
        return this.#messageId === query.id;
    }
  }

  get #labels(): readonly SimulatedLabel[] {
    return this.#mailbox.labels.filter(({ id }) => this.#message.labelIds.includes(id));
  }

  get #messageId(): string {
    return (headerValue(this.#message.parsed().root.headers, 'message-id') ?? '').trim().replace(/^<|>$/g, '');
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
        return this.#labels.some(({ type }) => type === 'user');
    }
  }

  #in(field: TextField): readonly (readonly string[])[] {
    this.#texts ??= searchedTexts(this.#message.parsed().root);
    return this.#texts[field];
  }
}

/** Mail with one of these labels is not in the archive. */
const PLACES: ReadonlySet<string> = new Set(['INBOX', 'SPAM', 'TRASH', 'DRAFT', 'SENT', 'CHAT']);

/** What needs a message parsed comes last. */
const cheapFirst = (queries: readonly Query[]): readonly Query[] =>
  queries.toSorted((a, b) => Number(isCostly(a)) - Number(isCostly(b)));

function isCostly(query: Query): boolean {
  switch (query.kind) {
    case 'all':
    case 'any':
      return query.of.some(isCostly);
    case 'not':
      return isCostly(query.of);
    case 'label':
    case 'from-on':
    case 'before':
      return false;
    case 'state':
      return query.is === 'with-attachment';
    case 'words':
    case 'around':
    case 'me':
    case 'message-id':
    case 'larger':
    case 'smaller':
      return true;
  }
}

/** Gmail writes a label's spaces and slashes as hyphens in searches. */
const isNamed = (searched: string, name: string): boolean => hyphened(searched) === hyphened(name);
const hyphened = (name: string): string => name.toLowerCase().replace(/[\s/&()|"]/g, '-');

function hasAttachment(part: MimePart): boolean {
  return part.filename !== '' || part.parts.some(hasAttachment);
}
