/**
 * Lines of a message that a MIME parser is given at most. The parser keeps some 170 bytes for each line, so 25 MB of
 * line feeds would cost it 4 GB. The largest message that Gmail accepts has some 350,000 lines of base64.
 */
const MOST_LINES = 500_000;

const LINE_FEED = 10;

/** Whether a message has so many lines that parsing it would take the process's memory. */
export function hasTooManyLines(message: Uint8Array): boolean {
  let lines = 0;
  for (let at = message.indexOf(LINE_FEED); at !== -1; at = message.indexOf(LINE_FEED, at + 1))
    if (++lines > MOST_LINES) return true;
  return false;
}
