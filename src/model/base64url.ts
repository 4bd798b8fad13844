/** Base64url with padding, as Gmail writes it. */
export function base64url(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/**
 * The bytes of a text in base64 or base64url, with padding or without.
 *
 * @returns null when the text is not base64. Node's decoder skips foreign characters, so a truncated or damaged text
 * would decode, too
 */
export function bytesOfBase64(text: string): Buffer | null {
  const end = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length;
  if (end % 4 === 1) return null;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length === Math.floor((end * 3) / 4) ? bytes : null;
}
