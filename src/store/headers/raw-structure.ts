const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** Bytes that a line needs to count as base64; a shorter line could be a word. */
const SHORTEST_LINE = 40;
/** Bytes that a run of such lines needs to be left out. */
const SHORTEST_RUN = 1_000;

const IN_BASE64 = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=')
  IN_BASE64[character.charCodeAt(0)] = 1;

/**
 * A raw message without its runs of base64, which are content and no structure. Reads each byte once: a message may
 * be 25 MB, and a regular expression over runs of lines overflows its stack there.
 */
export function withoutContent(raw: Uint8Array): Buffer {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const kept: Buffer[] = [];
  let keptFrom = 0;
  let run: number | null = null;
  const endRun = (end: number): void => {
    if (run !== null && end - run >= SHORTEST_RUN) {
      kept.push(bytes.subarray(keptFrom, run));
      keptFrom = end;
    }
    run = null;
  };
  for (let at = 0; at < bytes.length;) {
    const feed = bytes.indexOf(LINE_FEED, at);
    const next = feed === -1 ? bytes.length : feed + 1;
    if (isBase64(bytes, at, feed === -1 ? bytes.length : feed)) run ??= at;
    else endRun(at);
    at = next;
  }
  endRun(bytes.length);
  kept.push(bytes.subarray(keptFrom));
  return Buffer.concat(kept);
}

function isBase64(bytes: Buffer, from: number, to: number): boolean {
  const end = bytes[to - 1] === CARRIAGE_RETURN ? to - 1 : to;
  if (end - from < SHORTEST_LINE) return false;
  for (let at = from; at < end; at++) if (IN_BASE64[bytes[at] ?? 0] !== 1) return false;
  return true;
}
