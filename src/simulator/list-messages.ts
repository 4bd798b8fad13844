import { invalidArgument } from './api-error.ts';
import type { SimulatedMailbox } from './simulated-mailbox.ts';
import type { Place, SimulatedMessage, Version } from './simulated-message.ts';
import type { MessageJson } from './message-json.ts';
import { searchFor } from './search-mail.ts';
import { isSpamOrTrash } from './truth.ts';

export interface ListQuery {
  readonly labelIds: readonly string[];
  readonly q: string;
  /** Searches for the words of operators that are not simulated. Otherwise such a search is refused. */
  readonly isLenient: boolean;
  readonly includeSpamTrash: boolean;
  readonly maxResults: number;
  readonly pageToken: string | null;
}

export interface ListPage {
  readonly messages: readonly SimulatedMessage[];
  readonly nextPageToken: string | null;
  /** Inaccurate, as Gmail's estimate is. */
  readonly resultSizeEstimate: number;
}

type Entry = { readonly message: SimulatedMessage; readonly version: Version };

export function listMessages(mailbox: SimulatedMailbox, query: ListQuery, json: MessageJson, now: number): ListPage {
  return page(mailbox, query, (after) => matching(mailbox, query, json, now, after));
}

/** The newest matching message of each thread with a match. Its place in the order is the thread's place. */
export function listThreads(mailbox: SimulatedMailbox, query: ListQuery, json: MessageJson, now: number): ListPage {
  return page(mailbox, query, function* (after) {
    const seen = new Set<string>();
    // Threads of earlier pages are only known after walking through those pages again.
    for (const entry of matching(mailbox, query, json, now)) {
      const { message } = entry;
      if (seen.has(message.threadId)) continue;
      seen.add(message.threadId);
      if (after === undefined || isAfter(message, after)) yield entry;
    }
  });
}

function isAfter(message: Place, place: Place): boolean {
  return (
    message.internalDate < place.internalDate || (message.internalDate === place.internalDate && message.id < place.id)
  );
}

function* matching(
  mailbox: SimulatedMailbox,
  query: ListQuery,
  json: MessageJson,
  now: number,
  after?: Place,
): Generator<Entry> {
  const search = query.q.trim() === '' ? null : searchFor(query.q, mailbox, { now, isLenient: query.isLenient });
  const showHidden =
    query.includeSpamTrash ||
    search?.includesHidden === true ||
    query.labelIds.some((id) => id === 'SPAM' || id === 'TRASH');
  for (const entry of mailbox.listed(after)) {
    const { message, version } = entry;
    if (!showHidden && isSpamOrTrash(version.labelIds)) continue;
    if (!query.labelIds.every((id) => version.labelIds.includes(id))) continue;
    if (mailbox.omissions.omits(message.id, query.labelIds, now)) continue;
    if (search !== null) {
      const searchable = {
        internalDate: message.internalDate,
        labelIds: version.labelIds,
        parsed: () => json.parsed(message),
      };
      if (!search.matches(searchable)) continue;
    }
    yield entry;
  }
}

function page(mailbox: SimulatedMailbox, query: ListQuery, entries: (after?: Place) => Generator<Entry>): ListPage {
  const size = Math.min(query.maxResults, mailbox.paging.listPage);
  const token = query.pageToken === null ? null : parseToken(query.pageToken);
  const skip = token?.kind === 'offset' ? token.offset : 0;
  const messages: SimulatedMessage[] = [];
  let passed = 0;
  let hasMore = false;
  for (const { message } of entries(token?.kind === 'cursor' ? token.place : undefined)) {
    passed += 1;
    if (passed <= skip) continue;
    if (messages.length === size) {
      hasMore = true;
      break;
    }
    messages.push(message);
  }
  const last = messages.at(-1);
  const next =
    !hasMore || last === undefined
      ? null
      : mailbox.paging.tokens === 'offset'
        ? `${OFFSET}${skip + size}`
        : cursorToken(last);
  return { messages, nextPageToken: next, resultSizeEstimate: hasMore ? size * 2 + 1 : messages.length };
}

const OFFSET = '0';
const CURSOR = '1';

/** Added to dates in tokens, so that each has as many digits as any other: mail may claim to be older than 1970. */
const SHIFT = 10n ** 16n;
const DIGITS = 17;

/** Only digits, like Gmail's tokens. */
function cursorToken({ internalDate, id }: Place): string {
  const date = (BigInt(Math.trunc(internalDate)) + SHIFT).toString().padStart(DIGITS, '0');
  return `${CURSOR}${date}${BigInt(`0x${id}`)}`;
}

type Token = { kind: 'offset'; offset: number } | { kind: 'cursor'; place: Place };

function parseToken(token: string): Token {
  if (/^0\d{1,9}$/.test(token)) return { kind: 'offset', offset: Number(token.slice(1)) };
  const cursor = /^1(\d{17})(\d+)$/.exec(token);
  if (cursor?.[1] === undefined || cursor[2] === undefined) throw invalidArgument('Invalid pageToken');
  return {
    kind: 'cursor',
    place: { internalDate: Number(BigInt(cursor[1]) - SHIFT), id: BigInt(cursor[2]).toString(16).padStart(16, '0') },
  };
}
