/**
 * Parses JSON from outside, whose shape is checked afterwards.
 *
 * @param text - as text, or as bytes in UTF-8
 * @returns the value; undefined when the text is not JSON
 */
export function jsonOf(text: string | Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    return undefined;
  }
}
