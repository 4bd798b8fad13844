/** Base64url with padding, as Gmail writes it. */
export function base64url(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}
