import type { SimulatedLabel } from './label-book.ts';
import { headerValue, type MimePart } from './mime.ts';
import type { ParsedMessage } from './payload.ts';

/** A message as a search sees it. Its bytes are parsed only when the search needs them. */
export interface Searchable {
  readonly internalDate: number;
  readonly labelIds: readonly string[];
  parsed(): ParsedMessage;
}

export interface MessageSearch {
  matches(message: Searchable): boolean;
  /** True when the search itself names spam or trash, so that they are not left out. */
  readonly includesHidden: boolean;
}

interface Term {
  /** Terms that need the message parsed are tried last. */
  readonly costly: boolean;
  test(message: Searchable): boolean;
}

/**
 * Parses the operators that programs use: https://support.google.com/mail/answer/7190
 * (`after: before: newer_than: older_than: label: in: is: category: from: to: cc: subject: has:attachment rfc822msgid:
 * larger: smaller:`, words, "phrases", `-`, `OR`, `( )` and `{ }`). An unknown operator is searched for as a word, as
 * Gmail does.
 */
export function parseSearch(q: string, labels: readonly SimulatedLabel[], now: number): MessageSearch {
  const tokens = q.match(/-?[\w]+:"[^"]*"|-?"[^"]*"|[(){}]|-(?=[({])|[^\s(){}"]+(?=\()|[^\s(){}]+/g) ?? [];
  let at = 0;
  let includesHidden = false;

  const sequence = (closing: string | null, anyOf: boolean): Term => {
    const terms: Term[] = [];
    while (at < tokens.length && tokens[at] !== closing) {
      let term = operand();
      while (tokens[at] === 'OR') {
        at += 1;
        term = either([term, operand()]);
      }
      terms.push(term);
    }
    at += 1;
    return anyOf ? either(terms) : all(terms);
  };
  const operand = (): Term => {
    const token = tokens[at] ?? '';
    at += 1;
    if (token === '(') return sequence(')', false);
    if (token === '{') return sequence('}', true);
    if (token === '-') return negation(operand());
    if (token === 'AND') return EVERYTHING;
    if (token.length > 1 && token.startsWith('-')) return negation(single(token.slice(1)));
    return single(token);
  };
  const single = (token: string): Term => {
    const [, operator = '', argument = ''] = /^(\w+):(.*)$/s.exec(token) ?? [];
    const value = unquote(argument);
    if (
      ['in', 'label', 'is'].includes(operator.toLowerCase()) &&
      ['spam', 'trash', 'anywhere'].includes(value.toLowerCase())
    )
      includesHidden = true;
    return operatorTerm(operator.toLowerCase(), value, labels, now) ?? wordTerm(unquote(token));
  };

  const term = sequence(null, false);
  return { matches: (message) => term.test(message), includesHidden };
}

const EVERYTHING: Term = { costly: false, test: () => true };
const negation = (term: Term): Term => ({ costly: term.costly, test: (message) => !term.test(message) });
const either = (terms: readonly Term[]): Term => ({
  costly: terms.some((term) => term.costly),
  test: (message) => terms.some((term) => term.test(message)),
});

function all(terms: readonly Term[]): Term {
  const cheapFirst = [...terms].sort((a, b) => Number(a.costly) - Number(b.costly));
  return {
    costly: terms.some((term) => term.costly),
    test: (message) => cheapFirst.every((term) => term.test(message)),
  };
}

const unquote = (text: string): string =>
  text.startsWith('"') ? text.slice(1, text.endsWith('"') ? -1 : undefined) : text;
const cheap = (test: Term['test']): Term => ({ costly: false, test });
const costly = (test: (parsed: ParsedMessage) => boolean): Term => ({
  costly: true,
  test: (message) => test(message.parsed()),
});

function operatorTerm(operator: string, value: string, labels: readonly SimulatedLabel[], now: number): Term | null {
  switch (operator) {
    case 'after':
    case 'newer': {
      const time = parseDate(value);
      return time === null ? null : cheap((message) => message.internalDate >= time);
    }
    case 'before':
    case 'older': {
      const time = parseDate(value);
      return time === null ? null : cheap((message) => message.internalDate < time);
    }
    case 'newer_than':
    case 'older_than': {
      const age = parseAge(value);
      if (age === null) return null;
      return cheap((message) =>
        operator === 'newer_than' ? message.internalDate >= now - age : message.internalDate < now - age,
      );
    }
    case 'label':
    case 'in':
    case 'is':
      return labelTerm(operator, value.toLowerCase(), labels);
    case 'category':
      return hasLabel(`CATEGORY_${value.toLowerCase() === 'primary' ? 'PERSONAL' : value.toUpperCase()}`);
    case 'from':
    case 'to':
    case 'cc':
    case 'subject':
      return costly(({ root }) => contains(headerValue(root.headers, operator), value));
    case 'rfc822msgid':
      return costly(
        ({ root }) =>
          (headerValue(root.headers, 'message-id') ?? '').replace(/[<>]/g, '') === value.replace(/[<>]/g, ''),
      );
    case 'has':
      return value.toLowerCase() === 'attachment' ? costly(({ root }) => hasAttachment(root)) : null;
    case 'larger':
    case 'smaller': {
      const bytes = parseSize(value);
      if (bytes === null) return null;
      return costly(({ sizeEstimate }) => (operator === 'larger' ? sizeEstimate > bytes : sizeEstimate < bytes));
    }
    default:
      return null;
  }
}

function labelTerm(operator: string, value: string, labels: readonly SimulatedLabel[]): Term {
  if (value === 'anywhere') return EVERYTHING;
  if (value === 'read') return negation(hasLabel('UNREAD'));
  if (operator === 'in' && (value === 'drafts' || value === 'draft')) return hasLabel('DRAFT');
  // Gmail writes a label's spaces and slashes as hyphens in searches.
  const label = labels.find(({ id, name }) => id.toLowerCase() === value || searchName(name) === searchName(value));
  return label === undefined ? cheap(() => false) : hasLabel(label.id);
}

const searchName = (name: string): string => name.toLowerCase().replace(/[\s/&()|"]/g, '-');
const hasLabel = (id: string): Term => cheap((message) => message.labelIds.includes(id));

function wordTerm(word: string): Term {
  return costly(
    ({ root }) =>
      ['subject', 'from', 'to', 'cc'].some((name) => contains(headerValue(root.headers, name), word)) ||
      bodyContains(root, word),
  );
}

function contains(text: string | null, word: string): boolean {
  return text !== null && text.toLowerCase().includes(word.toLowerCase());
}

function bodyContains(part: MimePart, word: string): boolean {
  if (contains(part.filename, word)) return true;
  if (part.mimeType.startsWith('text/') && contains(part.body.toString('utf8'), word)) return true;
  return part.parts.some((child) => bodyContains(child, word));
}

function hasAttachment(part: MimePart): boolean {
  return part.filename !== '' || part.parts.some(hasAttachment);
}

/**
 * Epoch seconds, or a day at midnight in Pacific Standard Time:
 * https://developers.google.com/workspace/gmail/api/guides/filtering
 */
function parseDate(value: string): number | null {
  if (/^\d{5,}$/.test(value)) return Number(value) * 1000;
  const day = /^(\d{4})[/-](\d{1,2})[/-](\d{1,2})$/.exec(value);
  return day === null ? null : Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3]), 8);
}

const DAY_MS = 86_400_000;
const AGES: Readonly<Record<string, number>> = { h: DAY_MS / 24, d: DAY_MS, m: 30 * DAY_MS, y: 365 * DAY_MS };

function parseAge(value: string): number | null {
  const [, count, unit = ''] = /^(\d+)([hdmy])$/i.exec(value) ?? [];
  return count === undefined ? null : Number(count) * (AGES[unit.toLowerCase()] ?? DAY_MS);
}

function parseSize(value: string): number | null {
  const [, count, unit = ''] = /^(\d+)([km]?)b?$/i.exec(value) ?? [];
  return count === undefined ? null : Number(count) * ({ k: 1_024, m: 1_048_576 }[unit.toLowerCase()] ?? 1);
}
