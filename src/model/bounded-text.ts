/** The longest message for a person, in characters: a page of a terminal, and far below Temporal's limits. */
const LONGEST_MESSAGE = 1_000;

/**
 * Shortens a text to a message of bounded length; "…" marks the cut.
 *
 * @param longest - the greatest length of the result, in characters (UTF-16 code units)
 */
export function boundedText(text: string, longest: number = LONGEST_MESSAGE): string {
  if (text.length <= longest) return text;
  // Half a surrogate pair cannot be written as UTF-8, so it is cut as well.
  return `${text.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
