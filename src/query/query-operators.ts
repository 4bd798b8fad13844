import { QueryError } from './query-error.ts';
import type { Query, State, TextField } from './query-tree.ts';
import { readAge, readDate, readSize } from './query-values.ts';
import { textWords } from './text-words.ts';

/** An operator as it is written: its name, in lower case, and its value. */
export interface Written {
  readonly name: string;
  readonly value: string;
}

/** @param now - epoch ms, from which ages count */
type Meaning = (written: Written, now: number) => Query;

const not = (of: Query): Query => ({ kind: 'not', of });
const state = (is: State): Query => ({ kind: 'state', is });
const unknown = ({ name, value }: Written): QueryError => new QueryError({ kind: 'unknown', term: `${name}:${value}` });

function refuse({ name, value }: Written, takes: string): never {
  throw new QueryError({ kind: 'malformed', term: `${name}:${value}`, takes });
}

const text =
  (field: TextField): Meaning =>
  (written) => {
    const words = textWords(written.value);
    if (words.length === 0 || / AROUND \d+ /.test(written.value)) throw unknown(written);
    return { kind: 'words', field, words };
  };
const people =
  (field: TextField): Meaning =>
  (written, now) =>
    written.value.toLowerCase() === 'me' ? { kind: 'me', field } : text(field)(written, now);
const date =
  (kind: 'before' | 'from-on'): Meaning =>
  (written) => ({
    kind,
    at: readDate(written.value) ?? refuse(written, 'a date such as 2026/11/30, or epoch seconds'),
  });
const age =
  (kind: 'before' | 'from-on'): Meaning =>
  (written, now) => ({
    kind,
    at: now - (readAge(written.value) ?? refuse(written, 'an age such as 12h, 3d, 2m or 1y')),
  });
const size =
  (kind: 'larger' | 'smaller'): Meaning =>
  (written) => ({ kind, bytes: readSize(written.value) ?? refuse(written, 'a size such as 1000000, 500K or 10M') });
const refused: Meaning = (written) => {
  throw unknown(written);
};

/**
 * Gmail's operators: https://support.google.com/mail/answer/7190. Refused are the values that it documents and that
 * depend on what the API does not show (coloured stars, snoozed mail, files in Drive), and names that programs send
 * although Gmail does not document them.
 */
const OPERATORS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['from', people('from')],
  ['to', people('to')],
  ['cc', people('cc')],
  ['bcc', people('bcc')],
  ['deliveredto', people('deliveredto')],
  ['subject', text('subject')],
  ['list', text('list')],
  ['filename', text('filename')],
  ['label', labelled],
  ['in', labelled],
  ['is', labelled],
  ['category', category],
  ['has', has],
  ['after', date('from-on')],
  ['newer', date('from-on')],
  ['before', date('before')],
  ['older', date('before')],
  ['newer_than', age('from-on')],
  ['older_than', age('before')],
  ['larger', size('larger')],
  ['size', size('larger')],
  ['smaller', size('smaller')],
  ['rfc822msgid', messageId],
  ...['body', 'circle', 'header', 'l', 'lang', 'larger_than', 'replyto', 'smaller_than', 'thread'].map(
    (name): [string, Meaning] => [name, refused],
  ),
]);

export const isOperator = (name: string): boolean => OPERATORS.has(name);

/**
 * What an operator asks.
 *
 * @param now - epoch ms, from which ages count
 * @throws {QueryError} when we do not answer it, or when its value is not what it takes
 */
export function operatorQuery(written: Written, now: number): Query {
  const meaning = OPERATORS.get(written.name);
  if (meaning === undefined) throw unknown(written);
  return meaning(written, now);
}

const label = (name: string): Query => ({ kind: 'label', name, mustExist: false });

/** Places and states that Gmail knows beside its labels, or under another name. */
const PLACES: ReadonlyMap<string, Query> = new Map([
  ['anywhere', state('anywhere')],
  ['all', state('anywhere')],
  ['archive', state('archived')],
  ['read', state('read')],
  ['drafts', label('draft')],
  ['chats', label('chat')],
  ['star', label('starred')],
]);
/** The API has no label for them. */
const UNSEEN_PLACES = ['snoozed', 'muted', 'scheduled', 'encryptedmail', 'outbox'];

/** `label:`, `in:` and `is:` are interchangeable. A user's label may have the name of a place. */
function labelled(written: Written): Query {
  const name = written.value.toLowerCase();
  if (UNSEEN_PLACES.includes(name) || name.startsWith('^')) throw unknown(written);
  const place = PLACES.get(name);
  if (place === undefined) return { kind: 'label', name, mustExist: written.name !== 'label' };
  return written.name === 'label' ? { kind: 'any', of: [place, label(name)] } : place;
}

const CATEGORIES: ReadonlyMap<string, string> = new Map([
  ['primary', 'category_personal'],
  ['social', 'category_social'],
  ['promotions', 'category_promotions'],
  ['updates', 'category_updates'],
  ['forums', 'category_forums'],
]);

function category(written: Written): Query {
  const name = CATEGORIES.get(written.value.toLowerCase());
  if (name === undefined) throw unknown(written);
  return label(name);
}

function has(written: Written): Query {
  switch (written.value.toLowerCase()) {
    case 'attachment':
      return state('with-attachment');
    case 'userlabels':
      return state('with-user-label');
    case 'nouserlabels':
      return not(state('with-user-label'));
    default:
      throw unknown(written);
  }
}

function messageId(written: Written): Query {
  const id = written.value.replace(/^<|>$/g, '');
  return id === '' ? refuse(written, 'the Message-ID of a mail') : { kind: 'message-id', id };
}
