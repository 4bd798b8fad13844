import { DEEPEST, QueryError } from './query-error.ts';
import { isOperator, operatorQuery, type Written } from './query-operators.ts';
import { tokensOf, type QueryToken } from './query-tokens.ts';
import type { Query } from './query-tree.ts';
import { textWords } from './text-words.ts';

export interface ParseOptions {
  /** Epoch ms, from which ages such as `newer_than:2d` count. */
  readonly now: number;
  /** Searches for the words of what is not supported, instead of refusing it. */
  readonly isLenient?: boolean;
}

/**
 * Parses a search in Gmail's language: operators, words, "phrases", `-`, `+`, `OR`, `AND`, `( )`, `{ }` and `AROUND n`.
 * `OR` binds closer than the space between terms, which means that both must hold.
 * https://support.google.com/mail/answer/7190
 *
 * @throws {QueryError} for an operator that Gmail documents and we do not answer, for a value that an operator does not
 * take, and for words that cannot be searched for. A name that Gmail does not document is mostly no operator:
 * `re:invent` searches for two words
 * @example
 *   parseQuery('from:amy {subject:dinner "next week"} -in:sent', { now: Date.now() });
 */
export function parseQuery(search: string, options: ParseOptions): Query {
  return new Parser(tokensOf(search, isOperator), options).parse();
}

/** A term, or null where the text asks nothing, as a dash does. */
type Term = Query | null;

class Parser {
  readonly #tokens: readonly QueryToken[];
  readonly #options: ParseOptions;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly QueryToken[], options: ParseOptions) {
    this.#tokens = tokens;
    this.#options = options;
  }

  parse(): Query {
    const terms: Term[] = [];
    while (this.#next !== undefined) {
      // A bracket that closes nothing is no reason to lose what follows.
      if (this.#next.kind === 'close') this.#at += 1;
      else for (const term of this.#terms(null)) terms.push(term);
    }
    return joined('all', terms) ?? { kind: 'all', of: [] };
  }

  get #next(): QueryToken | undefined {
    return this.#tokens[this.#at];
  }

  /** The terms up to a closing bracket, or to the end. `operator`: the one whose value the group is. */
  #terms(operator: string | null): readonly Term[] {
    const terms: Term[] = [];
    for (let token = this.#next; token !== undefined && token.kind !== 'close'; token = this.#next) {
      if (token.kind === 'and' || token.kind === 'or') this.#at += 1;
      else terms.push(this.#alternatives(operator));
    }
    return terms;
  }

  #alternatives(operator: string | null): Term {
    const terms = [this.#term(operator)];
    while (this.#takeOr()) terms.push(this.#term(operator));
    return joined('any', terms);
  }

  /** Takes a run of connectives if it holds an OR and another term follows. */
  #takeOr(): boolean {
    let end = this.#at;
    while (this.#tokens[end]?.kind === 'or' || this.#tokens[end]?.kind === 'and') end += 1;
    const run = this.#tokens.slice(this.#at, end);
    const [next] = this.#tokens.slice(end, end + 1);
    if (!run.some(({ kind }) => kind === 'or') || next === undefined || next.kind === 'close') return false;
    this.#at = end;
    return true;
  }

  #term(operator: string | null): Term {
    const isNegated = this.#next?.kind === 'minus';
    if (isNegated) this.#at += 1;
    const term = this.#positive(operator);
    return isNegated && term !== null ? { kind: 'not', of: term } : term;
  }

  #positive(operator: string | null): Term {
    const token = this.#next;
    if (token === undefined || token.kind === 'close') return null;
    this.#at += 1;
    switch (token.kind) {
      case 'open':
        return this.#group(token, operator);
      case 'operator-of':
        return this.#operatorOf(token.name);
      case 'operator':
        return this.#answered(token);
      case 'malformed':
        return this.#refused({ kind: 'malformed', term: token.text, takes: 'a value' }, token.text);
      case 'around':
        return this.#refused({ kind: 'unknown', term: 'AROUND here' }, 'around');
      case 'quoted':
      case 'text':
        return operator === null ? this.#text(token) : this.#answered({ name: operator, value: token.text });
      case 'minus':
      case 'and':
      case 'or':
        return null;
    }
  }

  #group({ bracket }: { readonly bracket: '()' | '{}' }, operator: string | null): Term {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new QueryError({ kind: 'too-deep' });
    const terms = this.#terms(operator);
    this.#depth -= 1;
    this.#at += 1;
    return joined(bracket === '()' ? 'all' : 'any', terms);
  }

  #operatorOf(name: string): Term {
    const group = this.#positive(name);
    return group ?? this.#refused({ kind: 'malformed', term: `${name}:()`, takes: 'a value' }, name);
  }

  #text(token: { readonly kind: 'text' | 'quoted'; readonly text: string }): Term {
    const around = this.#next;
    if (around?.kind !== 'around') return token.kind === 'quoted' ? this.#phrase(token.text) : this.#words(token.text);
    const [other, further] = this.#tokens.slice(this.#at + 1, this.#at + 3);
    const isWhole = around.within !== null && further?.kind !== 'around';
    if (!isWhole || (other?.kind !== 'text' && other?.kind !== 'quoted')) return this.#words(token.text);
    this.#at += 2;
    return aroundQuery([token.text, other.text], { within: around.within, isOrdered: false });
  }

  /** Within quotes the order counts: `"secret AROUND 25 birthday"`. */
  #phrase(text: string): Term {
    const [, first, within, second] = /^(.+) AROUND (\d{1,9}) (.+)$/s.exec(text) ?? [];
    return first === undefined || second === undefined
      ? this.#words(text)
      : aroundQuery([first, second], { within: Number(within), isOrdered: true });
  }

  #words(text: string): Term {
    // Gmail documents the minus only, but people write it, and programs send it.
    if (text === 'NOT') return this.#refused({ kind: 'unknown', term: 'NOT' }, text);
    const words = textWords(text);
    if (words.length > 0) return { kind: 'words', field: 'any', words };
    const isPunctuation = /^[\p{ASCII}\p{P}\s]*$/u.test(text);
    return isPunctuation ? null : this.#refused({ kind: 'unknown', term: text }, '');
  }

  #answered(written: Written): Term {
    try {
      return operatorQuery(written, this.#options.now);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      return this.#refused(error.failure, `${written.name} ${written.value}`);
    }
  }

  /** @param text - whose words a lenient search looks for instead */
  #refused(failure: QueryError['failure'], text: string): Term {
    if (this.#options.isLenient !== true) throw new QueryError(failure);
    const words = textWords(text);
    return words.length === 0 ? null : { kind: 'words', field: 'any', words };
  }
}

const aroundQuery = (
  texts: readonly string[],
  place: { readonly within: number; readonly isOrdered: boolean },
): Query => ({ kind: 'around', field: 'any', words: texts.map(textWords), ...place });

function joined(kind: 'all' | 'any', terms: readonly Term[]): Term {
  const asked = terms.filter((term) => term !== null);
  const [only] = asked;
  if (only === undefined) return null;
  return asked.length === 1 ? only : { kind, of: asked };
}
