import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { StoreError } from '../engines/store-error.ts';

export type BodyEncoding = 'zstd' | 'identity';

export interface EncodedBody {
  readonly encoding: BodyEncoding;
  readonly bytes: Uint8Array;
}

/** The fastest regular level. Higher levels gain only a few percent on bodies of some kilobytes. */
const PARAMETERS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } } as const;
/** Bytes below which compression costs more than it saves. */
const SMALL = 128;

/** Compresses a body if that pays. Mail that is mostly base64 of compressed attachments stays as it is. */
export function encodeBody(body: Uint8Array): EncodedBody {
  if (body.byteLength < SMALL) return { encoding: 'identity', bytes: body };
  const compressed = zstdCompressSync(body, PARAMETERS);
  return compressed.byteLength < body.byteLength * 0.95
    ? { encoding: 'zstd', bytes: compressed }
    : { encoding: 'identity', bytes: body };
}

/** Like {@link decodeBody}, but returns null when the bytes are damaged. */
export function decodeIfWhole(encoding: string, bytes: Uint8Array): Buffer | null {
  if (encoding !== 'zstd') return decodeBody(encoding, bytes);
  try {
    return decodeBody(encoding, bytes);
  } catch {
    return null;
  }
}

/** @throws {StoreError} `newer-schema` when the encoding is unknown, so a newer program wrote the body */
export function decodeBody(encoding: string, bytes: Uint8Array): Buffer {
  switch (encoding) {
    case 'zstd':
      return zstdDecompressSync(bytes);
    case 'identity':
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    default:
      throw new StoreError(
        { kind: 'newer-schema' },
        `A body in the encoding "${encoding}" was written by a newer Tidemark. Run that version.`,
      );
  }
}
