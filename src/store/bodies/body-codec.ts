import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

export type BodyEncoding = 'zstd' | 'identity';

export interface EncodedBody {
  readonly encoding: BodyEncoding;
  readonly bytes: Uint8Array;
}

/** The fastest regular level: bodies of a few kilobytes gain only some percent from a higher one. */
const PARAMETERS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } } as const;
/** Below this a frame's header and the call cost more than they save. */
const SMALL = 128;

/** Compresses where it pays: mail that is mostly base64 of compressed attachments stays as it is. */
export function encodeBody(body: Uint8Array): EncodedBody {
  if (body.byteLength < SMALL) return { encoding: 'identity', bytes: body };
  const compressed = zstdCompressSync(body, PARAMETERS);
  return compressed.byteLength < body.byteLength * 0.95 ? { encoding: 'zstd', bytes: compressed } : { encoding: 'identity', bytes: body };
}

/** Like {@link decodeBody}, but null where the bytes are damaged. */
export function decodeIfWhole(encoding: string, bytes: Uint8Array): Buffer | null {
  if (encoding !== 'zstd') return decodeBody(encoding, bytes);
  try {
    return decodeBody(encoding, bytes);
  } catch {
    return null;
  }
}

/** @throws {Error} when a newer program wrote the body in an encoding of its own */
export function decodeBody(encoding: string, bytes: Uint8Array): Buffer {
  switch (encoding) {
    case 'zstd':
      return zstdDecompressSync(bytes);
    case 'identity':
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    default:
      throw new Error(`A body in the encoding "${encoding}" was written by a newer Tidemark.`);
  }
}
