import { createReadStream } from 'node:fs';

import { MailFileError } from './mail-file-error.ts';

/** One message of an mbox file: its position, and its bytes as they are in the file. */
export interface MboxEntry {
  /** The date of the `From ` line in epoch ms: when the mail arrived. Null when the line has none. */
  readonly receivedAt: number | null;
  /** First byte after the `From ` line, and the byte after the last. */
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

const FROM = Buffer.from('From ');
const FROM_LINE = Buffer.from('\nFrom ');

/**
 * Reads an mbox file as a stream, one message in memory at a time.
 * A message begins at a line that starts with `From `, at the start of the file or after an empty line.
 * https://datatracker.ietf.org/doc/html/rfc4155
 * @throws {MailFileError} when the file does not begin like an mbox
 */
export async function* readMbox(path: string, signal?: AbortSignal): AsyncGenerator<MboxEntry> {
  /** Bytes that were not yielded yet. They begin with a `From ` line at `offset` in the file. */
  let pending: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of createReadStream(path, {
    highWaterMark: 4 * 2 ** 20,
    ...(signal === undefined ? {} : { signal }),
  })) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a file comes in bytes');
    // A separator may straddle two chunks, so the search starts a little before the boundary.
    let searchAt = Math.max(0, pending.length - FROM_LINE.length - 2);
    pending = Buffer.concat([pending, chunk]);
    if (offset === 0 && pending.length >= FROM.length) requireMbox(path, pending);
    for (let at = pending.indexOf(FROM_LINE, searchAt); at >= 0; at = pending.indexOf(FROM_LINE, searchAt)) {
      searchAt = at + 1;
      const emptyLine = endsWithEmptyLine(pending, at);
      if (emptyLine === null) continue;
      yield entry(pending.subarray(0, emptyLine), offset);
      pending = pending.subarray(at + 1);
      offset += at + 1;
      searchAt = 0;
    }
  }
  if (pending.length === 0) return;
  if (offset === 0) requireMbox(path, pending);
  yield entry(pending.subarray(0, endsWithEmptyLine(pending, pending.length - 1) ?? pending.length), offset);
}

function requireMbox(path: string, bytes: Buffer): void {
  if (bytes.subarray(0, FROM.length).equals(FROM)) return;
  throw new MailFileError(
    `${path} is not an mbox file: its first line does not begin with "From ". ` +
      'Unpack an archive first. For .eml files, name the folder that holds them.',
  );
}

/** The start of the empty line that the line feed at `at` ends; null when that line is not empty. */
function endsWithEmptyLine(bytes: Buffer, at: number): number | null {
  if (bytes[at] !== 10) return null;
  const before = bytes[at - 1] === 13 ? at - 1 : at;
  return bytes[before - 1] === 10 ? before : null;
}

function entry(bytes: Buffer, offset: number): MboxEntry {
  const newline = bytes.indexOf(10);
  const lineEnd = newline < 0 ? bytes.length : newline + 1;
  return {
    receivedAt: dateOf(bytes.subarray(0, lineEnd).toString('latin1')),
    start: offset + lineEnd,
    end: offset + bytes.length,
    bytes: bytes.subarray(lineEnd),
  };
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `From someone Tue Jun 06 12:34:56 +0000 2023`, with or without the zone; UTC without one. */
function dateOf(line: string): number | null {
  const parts = /(\w{3}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2})(?: ([+-])(\d{2})(\d{2}))? (\d{4})\s*$/.exec(line);
  if (parts === null) return null;
  const [, month = '', day, hour, minute, second, sign, zoneHours = '0', zoneMinutes = '0', year] = parts;
  const local = Date.UTC(
    Number(year),
    MONTHS.indexOf(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return local + (sign === '-' ? zone : -zone);
}

/**
 * Removes one `>` from lines such as `>From ` and `>>From `: the writer of the mbox added it (the mboxrd rule).
 * When the file was written by the older mboxo rule, a mail's own `>From ` loses its `>`: the file does not show which
 * rule was used.
 */
export function unquoteFrom(bytes: Buffer): Buffer {
  if (!bytes.includes('>From ')) return bytes;
  return Buffer.from(bytes.toString('latin1').replace(/^>(>*From )/gm, '$1'), 'latin1');
}
