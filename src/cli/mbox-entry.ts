/**
 * A message as an mbox entry in the mboxrd format: each line that begins with `From `, quoted or not, gets one more
 * `>`, so that a reader restores exactly what was written. https://www.rfc-editor.org/rfc/rfc4155
 *
 * @param raw - the RFC 822 bytes
 * @param internalDate - epoch milliseconds; null, when Gmail gave no date, is written as the epoch itself
 */
export function mboxEntry(raw: Uint8Array, internalDate: number | null): Buffer {
  const separator = Buffer.from(`From tidemark@localhost ${asctime(internalDate ?? 0)}\n`, 'latin1');
  const quoted = Buffer.from(
    Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
      .toString('latin1')
      .replace(/^(>*From )/gm, '>$1'),
    'latin1',
  );
  const end = quoted.at(-1) === 0x0a ? '\n' : '\n\n';
  return Buffer.concat([separator, quoted, Buffer.from(end, 'latin1')]);
}

/** `Sun Nov 22 16:13:00 2026`, UTC */
function asctime(at: number): string {
  const [day, date, month, year, time] = new Date(at).toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
}
