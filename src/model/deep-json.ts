/**
 * Writes JSON of any depth. Mail may be nested thousands of levels deep: `JSON.parse` reads that, but `JSON.stringify`
 * is recursive and overflows the stack.
 *
 * @param value - what `JSON.parse` gave
 * @returns its JSON, however deep it is
 */
export function deepJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return written(value);
  }
}

/** What is still to be written: a value, or finished JSON text. */
type Part = { readonly value: unknown } | { readonly text: string };

function written(value: unknown): string {
  const pieces: string[] = [];
  const waiting: Part[] = [{ value }];
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if ('text' in part) pieces.push(part.text);
    else if (typeof part.value !== 'object' || part.value === null) pieces.push(JSON.stringify(part.value ?? null));
    // Not spread: a call takes some 100,000 arguments, and a message may have more parts.
    else for (const piece of piecesOf(part.value).toReversed()) waiting.push(piece);
  }
  return pieces.join('');
}

const piecesOf = (value: object): Part[] =>
  Array.isArray(value)
    ? inBrackets(
        '[',
        value.map((item: unknown) => [{ value: item }]),
        ']',
      )
    : inBrackets('{', membersOf(value), '}');

const membersOf = (object: object): Part[][] =>
  Object.entries(object)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]: [string, unknown]) => [{ text: `${JSON.stringify(name)}:` }, { value }]);

function inBrackets(open: string, items: readonly Part[][], close: string): Part[] {
  return [
    { text: open },
    ...items.flatMap((item, index) => (index === 0 ? item : [{ text: ',' }, ...item])),
    { text: close },
  ];
}
