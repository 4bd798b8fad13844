/** A piece of a search's text. */
export type QueryToken =
  | { readonly kind: 'open' | 'close'; readonly bracket: '()' | '{}' }
  | { readonly kind: 'minus' | 'or' | 'and' }
  /** `within` is null where no number follows. */
  | { readonly kind: 'around'; readonly within: number | null }
  /** An operator with its value. */
  | { readonly kind: 'operator'; readonly name: string; readonly value: string }
  /** An operator before a group, which is its value. */
  | { readonly kind: 'operator-of'; readonly name: string }
  /** An operator without a value, or with one that runs into a bracket or a quote. */
  | { readonly kind: 'malformed'; readonly name: string; readonly text: string }
  /** A word, with the hyphens, dots and slashes in it. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'quoted'; readonly text: string };

const BLANK = /\s+/y;
const BRACKET = /[(){}]/y;
const QUOTED = /"([^"]*)"?/y;
const OPERATOR = /([a-z][a-z0-9_]*):/iy;
const VALUE = /[^\s(){}"]+/y;
/** Message ids may hold brackets. */
const ID = /[^\s"]+/y;
const SIGNS = /[+-]+/y;
const OR = /\|+/y;
const AROUND = /AROUND(?:\s+(\d{1,9}))?(?=[\s(){}"]|$)/y;
const TEXT = /[^\s(){}"|]+/y;

/** Cuts a search's text into tokens. Any text can be cut: what is no operator is text. */
export function tokensOf(search: string, isOperator: (name: string) => boolean): readonly QueryToken[] {
  return new Tokenizer(search, isOperator).tokens();
}

class Tokenizer {
  readonly #search: string;
  readonly #isOperator: (name: string) => boolean;
  #at = 0;

  constructor(search: string, isOperator: (name: string) => boolean) {
    this.#search = search;
    this.#isOperator = isOperator;
  }

  tokens(): readonly QueryToken[] {
    const tokens: QueryToken[] = [];
    while (this.#at < this.#search.length) {
      const token = this.#take(BLANK) === null ? this.#token() : null;
      if (token !== null) tokens.push(token);
    }
    return tokens;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#search);
    if (found !== null) this.#at += found[0].length;
    return found;
  }

  #token(): QueryToken | null {
    const [bracket] = this.#take(BRACKET) ?? [];
    if (bracket !== undefined) return bracketOf(bracket);
    const quoted = this.#take(QUOTED);
    if (quoted !== null) return { kind: 'quoted', text: quoted[1] ?? '' };
    if (this.#take(OR) !== null) return { kind: 'or' };
    const [signs] = this.#take(SIGNS) ?? [];
    if (signs !== undefined) return this.#signed(signs);
    const around = this.#take(AROUND);
    if (around !== null) return { kind: 'around', within: around[1] === undefined ? null : Number(around[1]) };
    return this.#operator() ?? this.#text();
  }

  /** A minus stands before what it excludes, and a lone one is a dash. A plus asks for what is searched for anyway. */
  #signed(signs: string): QueryToken | null {
    const next = this.#search[this.#at] ?? ' ';
    const isOdd = signs.replaceAll('+', '').length % 2 === 1;
    return isOdd && !/[\s)}]/.test(next) ? { kind: 'minus' } : null;
  }

  #operator(): QueryToken | null {
    const before = this.#at;
    const name = this.#take(OPERATOR)?.[1]?.toLowerCase();
    if (name === undefined || !this.#isOperator(name)) {
      this.#at = before;
      return null;
    }
    const hadBlank = this.#take(BLANK) !== null;
    const next = this.#search[this.#at] ?? '';
    if (name !== 'rfc822msgid' && (next === '(' || next === '{')) return { kind: 'operator-of', name };
    const value = this.#value(name);
    const end = this.#search[this.#at] ?? ' ';
    const isCut = end === '"' || end === '(' || end === '{';
    const isMissing = value === null || value === '' || (hadBlank && /^(OR|AND|AROUND|\||-)/.test(value));
    return isCut || isMissing
      ? { kind: 'malformed', name, text: this.#search.slice(before, this.#at) }
      : { kind: 'operator', name, value };
  }

  #value(name: string): string | null {
    const quoted = this.#take(QUOTED);
    if (quoted !== null) return quoted[1] ?? '';
    const [value] = this.#take(name === 'rfc822msgid' ? ID : VALUE) ?? [];
    if (value === undefined) return null;
    const own = withoutClosers(value);
    this.#at -= value.length - own.length;
    return own;
  }

  #text(): QueryToken {
    const [text = ''] = this.#take(TEXT) ?? [];
    if (text === 'OR') return { kind: 'or' };
    return text === 'AND' ? { kind: 'and' } : { kind: 'text', text };
  }
}

function bracketOf(bracket: string): QueryToken {
  return { kind: '({'.includes(bracket) ? 'open' : 'close', bracket: '()'.includes(bracket) ? '()' : '{}' };
}

/** Closing brackets at the end that close nothing within the value belong to the group around it. */
function withoutClosers(value: string): string {
  const count = (bracket: RegExp): number => value.match(bracket)?.length ?? 0;
  const trailing = /[)}]*$/.exec(value)?.[0].length ?? 0;
  const foreign = Math.max(0, count(/[)}]/g) - count(/[({]/g));
  return value.slice(0, value.length - Math.min(trailing, foreign));
}
