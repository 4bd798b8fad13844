import { isOperator, operatorQuery, takesGroup, wordsQuery, type Written } from './query-operators.ts';
import { QueryError } from './query-error.ts';
import { tokensOf, type Token } from './query-tokens.ts';
import type { Query, TextField } from './query-tree.ts';
import { wordsOf } from './words.ts';

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
 * @throws {QueryError} for an operator that Gmail documents and we do not answer, and for a value that an operator does
 * not take. A name that Gmail does not document is no operator: `re:invent` searches for two words
 * @example
 *   parseQuery('from:amy {subject:dinner "next week"} -in:sent', { now: clock.now() });
 */
export function parseQuery(search: string, options: ParseOptions): Query {
  return new Parser(tokensOf(search, isOperator), options).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #options: ParseOptions;
  #at = 0;

  constructor(tokens: readonly Token[], options: ParseOptions) {
    this.#tokens = tokens;
    this.#options = options;
  }

  parse(): Query {
    const terms: Query[] = [];
    while (this.#next !== undefined) {
      // A bracket that closes nothing is no reason to lose what follows.
      if (this.#next.kind === 'close') this.#at += 1;
      else terms.push(...this.#terms(null, null));
    }
    return joined('all', terms);
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  /** The terms up to the closing bracket, or to the end. `operator`: the one whose value the group is. */
  #terms(closing: '()' | '{}' | null, operator: string | null): readonly Query[] {
    const terms: Query[] = [];
    for (let token = this.#next; token !== undefined && token.kind !== 'close'; token = this.#next) {
      if (token.kind === 'and' || token.kind === 'or') {
        this.#at += 1;
        continue;
      }
      terms.push(this.#alternatives(operator));
    }
    if (closing !== null) this.#at += 1;
    return terms;
  }

  #alternatives(operator: string | null): Query {
    const terms = [this.#term(operator)];
    while (this.#next?.kind === 'or' && isTermStart(this.#tokens[this.#at + 1])) {
      this.#at += 1;
      terms.push(this.#term(operator));
    }
    return joined('any', terms);
  }

  #term(operator: string | null): Query {
    const token = this.#next;
    this.#at += 1;
    switch (token?.kind) {
      case 'minus':
        return { kind: 'not', of: this.#term(operator) };
      case 'open':
        return joined(token.bracket === '()' ? 'all' : 'any', this.#terms(token.bracket, operator));
      case 'operator':
        return this.#operator(token.name);
      case 'quoted':
      case 'text':
        return this.#text(token, operator);
      case 'and':
      case 'or':
      case 'close':
      case undefined:
        return { kind: 'all', of: [] };
    }
  }

  #operator(name: string): Query {
    const value = this.#next;
    if (value?.kind === 'open' && takesGroup(name)) return this.#term(name);
    if (value?.kind !== 'text' && value?.kind !== 'quoted') return wordsQuery('any', name);
    this.#at += 1;
    return this.#answered({ name, value: value.text });
  }

  #text(token: { readonly kind: 'text' | 'quoted'; readonly text: string }, operator: string | null): Query {
    if (operator !== null) return this.#answered({ name: operator, value: token.text });
    const within = this.#takeAround();
    const other = within === null ? undefined : this.#next;
    if (within === null || (other?.kind !== 'text' && other?.kind !== 'quoted'))
      return token.kind === 'quoted' ? quotedQuery(token.text) : wordsQuery('any', token.text);
    this.#at += 1;
    return aroundQuery([token.text, other.text], { within, isOrdered: false });
  }

  /** Takes `AROUND n`, if it follows. */
  #takeAround(): number | null {
    const [name, count] = this.#tokens.slice(this.#at, this.#at + 2);
    if (name?.kind !== 'text' || name.text !== 'AROUND' || count?.kind !== 'text' || !/^\d+$/.test(count.text))
      return null;
    this.#at += 2;
    return Number(count.text);
  }

  #answered(written: Written): Query {
    try {
      return operatorQuery(written, this.#options.now);
    } catch (error) {
      if (this.#options.isLenient === true && error instanceof QueryError)
        return wordsQuery('any', `${written.name} ${written.value}`);
      throw error;
    }
  }
}

const isTermStart = (token: Token | undefined): boolean =>
  token !== undefined && token.kind !== 'close' && token.kind !== 'or' && token.kind !== 'and';

/** Within quotes the order counts: `"secret AROUND 25 birthday"`. */
function quotedQuery(text: string): Query {
  const [, first, within, second] = /^(.+) AROUND (\d+) (.+)$/s.exec(text) ?? [];
  return first === undefined || second === undefined
    ? wordsQuery('any', text)
    : aroundQuery([first, second], { within: Number(within), isOrdered: true });
}

function aroundQuery(texts: readonly string[], place: { readonly within: number; readonly isOrdered: boolean }): Query {
  const field: TextField = 'any';
  return { kind: 'around', field, words: texts.map(wordsOf), ...place };
}

function joined(kind: 'all' | 'any', terms: readonly Query[]): Query {
  const [only] = terms;
  if (only === undefined) return { kind: 'all', of: [] };
  return terms.length === 1 ? only : { kind, of: terms };
}
