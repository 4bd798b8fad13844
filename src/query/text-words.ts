/** Scripts that write no spaces between words. Each of their characters counts as a word. */
const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}`;
const LETTER = String.raw`(?![${UNSPACED}])[\p{L}\p{N}_]`;
/** A dot between digits is a decimal point: https://support.google.com/mail/answer/7190 */
const NUMBER = String.raw`\p{N}+(?:\.\p{N}+)+(?![\p{L}\p{N}\p{M}_])`;
const WORD = new RegExp(String.raw`${NUMBER}|[${UNSPACED}]\p{M}*|${LETTER}(?:${LETTER}|\p{M})*`, 'gu');

/** They stand within words and are not seen: soft hyphen, word joiner, byte order mark. */
const UNSEEN = /[\u00AD\u2060\uFEFF]/g;
/** Unicode's normalization takes quadratic time over longer runs of marks (UAX #15, stream-safe text). */
const LONG_MARKS = /(\p{M}{30})\p{M}+/gu;

/**
 * The words of a text, in the order in which they stand there. A search finds whole words: `plan` does not find
 * `planet`. An address is a run of words: `amy@example.com` has three.
 *
 * @returns the words in lower case, in Unicode's compatible form
 */
export function textWords(text: string): readonly string[] {
  const plain = text.replace(UNSEEN, '').replace(LONG_MARKS, '$1').normalize('NFKC').toLowerCase();
  // A capital sigma has two small forms, by its place in the word.
  return plain.replaceAll('ς', 'σ').match(WORD) ?? [];
}

/** The places in `text` at which `wanted` stands as a run, in their order; none where nothing is wanted. */
function placesOf(wanted: readonly string[], text: readonly string[]): readonly number[] {
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
  const [before, after] = [placesOf(first, text), placesOf(second, text)];
  return follows(before, after, first.length, within) || (!isOrdered && follows(after, before, second.length, within));
}

/** Whether any place of `after` lies behind a run of `length` words at a place of `before`. Both are in order. */
function follows(before: readonly number[], after: readonly number[], length: number, within: number): boolean {
  let next = 0;
  for (const at of before) {
    while ((after[next] ?? Number.POSITIVE_INFINITY) < at + length) next += 1;
    const place = after[next];
    if (place === undefined) return false;
    if (place - (at + length) <= within) return true;
  }
  return false;
}
