/** A piece of a search's text. */
export type Token =
  | { readonly kind: 'open' | 'close'; readonly bracket: '()' | '{}' }
  | { readonly kind: 'minus' | 'or' | 'and' }
  /** `from:` and its like, without the value. */
  | { readonly kind: 'operator'; readonly name: string }
  /** A word or a value, with the hyphens, dots and slashes in it. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'quoted'; readonly text: string };

const BLANK = /\s+/y;
const BRACKET = /[(){}]/y;
const QUOTED = /\+?"([^"]*)"?/y;
const OPERATOR = /([a-z][a-z0-9_]*):(?=\S|\s|$)/iy;
const TEXT = /[^\s(){}"]+/y;

/** Cuts a search's text into tokens. Any text can be cut: what is no operator is text. */
export function tokensOf(search: string, isOperator: (name: string) => boolean): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(search);
    if (found !== null) at += found[0].length;
    return found;
  };
  while (at < search.length) {
    if (take(BLANK) !== null) continue;
    const [bracket] = take(BRACKET) ?? [];
    if (bracket !== undefined) {
      tokens.push(bracketOf(bracket));
      continue;
    }
    const quoted = take(QUOTED);
    if (quoted !== null) {
      tokens.push({ kind: 'quoted', text: quoted[1] ?? '' });
      continue;
    }
    if (search[at] === '-') {
      at += 1;
      // A minus stands before what it excludes; a lone one is a dash.
      if (at < search.length && !/[\s)}]/.test(search[at] ?? '')) tokens.push({ kind: 'minus' });
      continue;
    }
    const before = at;
    const name = take(OPERATOR)?.[1]?.toLowerCase();
    if (name !== undefined && isOperator(name)) {
      tokens.push({ kind: 'operator', name });
      continue;
    }
    at = before;
    const [text = ''] = take(TEXT) ?? [];
    tokens.push(...textTokens(text, tokens.at(-1)));
  }
  return tokens;
}

function bracketOf(bracket: string): Token {
  return { kind: '({'.includes(bracket) ? 'open' : 'close', bracket: '()'.includes(bracket) ? '()' : '{}' };
}

function textTokens(text: string, before: Token | undefined): readonly Token[] {
  // The value of an operator may look like a connective: `subject:OR`.
  if (before?.kind === 'operator') return [{ kind: 'text', text }];
  if (text === 'OR' || text === '|') return [{ kind: 'or' }];
  if (text === 'AND') return [{ kind: 'and' }];
  return [{ kind: 'text', text: text.replace(/^\+(?=.)/, '') }];
}
