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
    else if (Array.isArray(part.value))
      waiting.push(
        ...inBrackets(
          '[',
          part.value.map((item: unknown) => [{ value: item }]),
          ']',
        ).toReversed(),
      );
    else if (typeof part.value === 'object' && part.value !== null)
      waiting.push(...inBrackets('{', membersOf(part.value), '}').toReversed());
    else pieces.push(JSON.stringify(part.value ?? null));
  }
  return pieces.join('');
}

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
