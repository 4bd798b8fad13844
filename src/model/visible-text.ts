/**
 * Control characters, line separators, and characters that turn the direction of text
 * (https://unicode.org/reports/tr9/).
 */
const UNSEEN = /[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/gu;

/**
 * Turns text into one line that is safe to print. Mail, labels and errors come from strangers and may hold escape
 * sequences that a terminal obeys, or a line break with a forged line after it. Each such character, line feed and tab
 * included, becomes an escape such as `\u001b`, which has the same value inside a JSON document.
 */
export function visibleLine(text: string): string {
  return text.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const TAKES_NO_COLUMN = /[\p{Mn}\p{Me}\p{Cf}]/u;
/**
 * East Asian letters and emoji: https://www.unicode.org/reports/tr11/. Where terminals differ, the wider width is
 * assumed: cutting early never breaks a line.
 */
const TAKES_TWO = new RegExp(
  String.raw`[\p{Emoji_Presentation}\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF` +
    String.raw`\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]`,
  'u',
);

const columnsOfOne = (character: string): number =>
  TAKES_NO_COLUMN.test(character) ? 0 : TAKES_TWO.test(character) ? 2 : 1;

/** Columns that a visible line takes in a terminal. */
export function columnsOf(line: string): number {
  let columns = 0;
  for (const character of line) columns += columnsOfOne(character);
  return columns;
}

/** The beginning of a visible line, cut to fit into `columns`. */
export function fitted(line: string, columns: number): string {
  let taken = 0;
  let end = 0;
  for (const character of line) {
    taken += columnsOfOne(character);
    if (taken > columns) break;
    end += character.length;
  }
  return line.slice(0, end);
}
