/** Control characters except line feed and tab, separators of lines, and what turns the direction of text (https://unicode.org/reports/tr9/). */
const UNSEEN = /(?![\n\t])[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

/**
 * Text that a terminal only shows: mail, labels and errors come from strangers, and may hold sequences that a terminal obeys.
 * Each such character is written as `\u001b` is: in a JSON document that is the same value.
 */
export function visibleText(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
