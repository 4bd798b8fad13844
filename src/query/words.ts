/** Scripts that write no spaces between words. Each of their characters counts as a word. */
const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}`;
const WORD = new RegExp(String.raw`[${UNSPACED}]|(?:(?![${UNSPACED}])[\p{L}\p{N}\p{M}])+`, 'gu');

/**
 * The words of a text, in the order in which they stand there. A search finds whole words: `plan` does not find
 * `planet`. An address is a run of words: `amy@example.com` has three.
 *
 * @returns the words in lower case, in Unicode's compatible form
 */
export function wordsOf(text: string): readonly string[] {
  return text.normalize('NFKC').toLowerCase().match(WORD) ?? [];
}

/** The places in `text` at which `wanted` stands as a run; none where nothing is wanted. */
export function placesOf(wanted: readonly string[], text: readonly string[]): readonly number[] {
  const [first] = wanted;
  if (first === undefined) return [];
  return text.flatMap((word, at) =>
    word === first && wanted.every((other, index) => text[at + index] === other) ? [at] : [],
  );
}

/** Whether `wanted` stands in `text` as a run. */
export const holdsRun = (wanted: readonly string[], text: readonly string[]): boolean =>
  placesOf(wanted, text).length > 0;

/** Whether two runs stand in `text` with at most `within` words between them. */
export function standsAround(
  [first = [], second = []]: readonly (readonly string[])[],
  text: readonly string[],
  { within, isOrdered }: { readonly within: number; readonly isOrdered: boolean },
): boolean {
  const behind = (from: number, length: number, to: number): boolean =>
    to >= from + length && to - (from + length) <= within;
  return placesOf(first, text).some((a) =>
    placesOf(second, text).some((b) => behind(a, first.length, b) || (!isOrdered && behind(b, second.length, a))),
  );
}
