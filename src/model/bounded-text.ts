/** What a message that somebody reads may hold, in characters: a page of a terminal, and little beside the limits of Temporal. */
const LONGEST_MESSAGE = 1_000;

/**
 * Text of any length as a message that can be kept: the end is cut, and "…" says so.
 *
 * @param longest - characters (UTF-16 code units) that the answer has at most
 */
export function boundedText(text: string, longest: number = LONGEST_MESSAGE): string {
  if (text.length <= longest) return text;
  // No half of a surrogate pair stays: it could not be written as UTF-8.
  return `${text.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
