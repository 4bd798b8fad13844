import { QueryError } from './query-error.ts';
import type { Query, State, TextField } from './query-tree.ts';
import { readAge, readDate, readSize } from './query-values.ts';
import { wordsOf } from './words.ts';

/** An operator as it is written: its name, in lower case, and its value. */
export interface Written {
  readonly name: string;
  readonly value: string;
}

/** @param now - epoch ms, from which ages count */
type Meaning = (written: Written, now: number) => Query;

const ALL: Query = { kind: 'all', of: [] };
const not = (of: Query): Query => ({ kind: 'not', of });
const state = (is: State): Query => ({ kind: 'state', is });

/** The words of a text in a field. Text without words, such as a lone dash, asks nothing. */
export function wordsQuery(field: TextField, text: string): Query {
  const words = wordsOf(text);
  return words.length === 0 ? ALL : { kind: 'words', field, words };
}

const people =
  (field: TextField): Meaning =>
  ({ value }) =>
    value.toLowerCase() === 'me' ? { kind: 'me', field } : wordsQuery(field, value);
const text =
  (field: TextField): Meaning =>
  ({ value }) =>
    wordsQuery(field, value);

/**
 * Gmail's operators: https://support.google.com/mail/answer/7190. The values that it documents and that depend on what
 * the API does not show (coloured stars, snoozed mail, files in Drive) are refused.
 */
const OPERATORS: Readonly<Record<string, Meaning>> = {
  from: people('from'),
  to: people('to'),
  cc: people('cc'),
  bcc: people('bcc'),
  deliveredto: people('deliveredto'),
  subject: text('subject'),
  list: text('list'),
  filename: text('filename'),
  label: labelled,
  in: labelled,
  is: labelled,
  category,
  has,
  after: (written) => ({ kind: 'from-on', at: dateOf(written) }),
  newer: (written) => ({ kind: 'from-on', at: dateOf(written) }),
  before: (written) => ({ kind: 'before', at: dateOf(written) }),
  older: (written) => ({ kind: 'before', at: dateOf(written) }),
  newer_than: (written, now) => ({ kind: 'from-on', at: now - ageOf(written) }),
  older_than: (written, now) => ({ kind: 'before', at: now - ageOf(written) }),
  larger: (written) => ({ kind: 'larger', bytes: sizeOf(written) }),
  size: (written) => ({ kind: 'larger', bytes: sizeOf(written) }),
  smaller: (written) => ({ kind: 'smaller', bytes: sizeOf(written) }),
  rfc822msgid: ({ value }) => ({ kind: 'message-id', id: value.replace(/^<|>$/g, '') }),
};

/** Operators whose value is text: only they take a group, as in `from:(amy OR david)`. */
const TAKES_TEXT = ['from', 'to', 'cc', 'bcc', 'deliveredto', 'subject', 'list', 'filename', 'label'];

export const isOperator = (name: string): boolean => Object.hasOwn(OPERATORS, name);

export const takesGroup = (name: string): boolean => TAKES_TEXT.includes(name);

/**
 * What an operator asks.
 *
 * @param now - epoch ms, from which ages count
 * @throws {QueryError} when we do not answer it, or when its value is not what it takes
 */
export function operatorQuery(written: Written, now: number): Query {
  const meaning = OPERATORS[written.name];
  if (meaning === undefined) throw unknown(written);
  return meaning(written, now);
}

const unknown = ({ name, value }: Written): QueryError => new QueryError({ kind: 'unknown', term: `${name}:${value}` });

/** Places and states that Gmail knows beside its labels. */
const PLACES: Readonly<Record<string, Query>> = {
  anywhere: state('anywhere'),
  archive: state('archived'),
  read: state('read'),
  draft: { kind: 'label', name: 'draft' },
  drafts: { kind: 'label', name: 'draft' },
  chats: { kind: 'label', name: 'chat' },
};
/** The API has no label for them. */
const UNSEEN_PLACES = ['snoozed', 'muted', 'scheduled', 'encryptedmail'];

function labelled(written: Written): Query {
  const name = written.value.toLowerCase();
  if (UNSEEN_PLACES.includes(name)) throw unknown(written);
  // A label may have one of these names, and `label:` asks for labels only.
  return (written.name === 'label' && name !== 'anywhere' ? undefined : PLACES[name]) ?? { kind: 'label', name };
}

const CATEGORIES: Readonly<Record<string, string>> = {
  primary: 'category_personal',
  social: 'category_social',
  promotions: 'category_promotions',
  updates: 'category_updates',
  forums: 'category_forums',
};

function category(written: Written): Query {
  const name = CATEGORIES[written.value.toLowerCase()];
  if (name === undefined) throw unknown(written);
  return { kind: 'label', name };
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

const DATES = 'a date such as 2026/11/30, or epoch seconds';
const AGES = 'an age such as 12h, 3d, 2m or 1y';
const SIZES = 'a size such as 1000000, 500K or 10M';

const dateOf = (written: Written): number => readDate(written.value) ?? refuse(written, DATES);
const ageOf = (written: Written): number => readAge(written.value) ?? refuse(written, AGES);
const sizeOf = (written: Written): number => readSize(written.value) ?? refuse(written, SIZES);

function refuse({ name, value }: Written, takes: string): never {
  throw new QueryError({ kind: 'malformed', term: `${name}:${value}`, takes });
}
