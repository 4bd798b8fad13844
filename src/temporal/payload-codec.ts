import { fileURLToPath } from 'node:url';
import { extname } from 'node:path';

import type { DataConverter, Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';

import type { Config } from '../config/config.ts';
import type { Clock } from '../model/clock.ts';
import { readKeys } from '../secrets/read-keys.ts';
import { decrypt, encrypt, secretKey, SecretKeyError, type SecretKey } from '../secrets/secret-box.ts';
import { SecretKeys } from '../secrets/secret-keys.ts';

const { Payload: PayloadBytes } = proto.temporal.api.common.v1;

/** The name that Temporal's own samples use, so that Temporal's tools recognise such payloads. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const CONTEXT = 'temporal payload';

interface Keys {
  /** null when payloads are no longer encrypted. */
  readonly current: SecretKey | null;
  keyOf(id: string): Promise<SecretKey | null>;
}

/**
 * Encrypts payloads, including their encoding, with AES-256-GCM, and names the key in the metadata. Payloads that are
 * not encrypted are read as they are.
 */
class EncryptingCodec implements PayloadCodec {
  readonly #keys: Keys;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const key = this.#keys.current;
    if (key === null) return payloads;
    return payloads.map((payload) => ({
      metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(key.id) },
      data: encrypt(key, CONTEXT, PayloadBytes.encode(payload).finish()),
    }));
  }

  /** @throws {SecretKeyError} when the payload's key is not available, or the payload was changed */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.all(payloads.map((payload) => this.#decodeOne(payload)));
  }

  async #decodeOne(payload: Payload): Promise<Payload> {
    const { metadata, data } = payload;
    if (textOf(metadata?.['encoding']) !== ENCODING || data === null || data === undefined) return payload;
    const id = textOf(metadata?.[KEY_ID]);
    const key = await this.#keys.keyOf(id);
    if (key === null) {
      throw new SecretKeyError(
        'Temporal holds payloads that were encrypted with the key ' +
          `${/^[0-9a-f]{1,64}$/.test(id) ? id : 'of an unreadable name'}, which is not at hand. ` +
          'Give it in TIDEMARK_PAYLOAD_KEY or TIDEMARK_OLD_PAYLOAD_KEYS.',
      );
    }
    try {
      const { metadata: inner, data: bytes } = PayloadBytes.decode(decrypt(key, CONTEXT, data));
      return { metadata: inner, data: bytes };
    } catch (error) {
      throw new SecretKeyError(
        `A payload that Temporal holds is damaged, or was not encrypted by Tidemark with the key ${key.id}.`,
        { cause: error },
      );
    }
  }
}

const textOf = (bytes: Uint8Array | null | undefined): string =>
  bytes === null || bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');

/**
 * The codec that the configuration asks for; null when payloads are not encrypted.
 *
 * @throws {SecretKeyError} when the keys cannot be read
 * @see https://docs.temporal.io/payload-codec
 */
export async function payloadCodecOf(config: Config, clock: Clock): Promise<PayloadCodec | null> {
  const source = config.secrets.payloadKeys;
  if (source === null) return null;
  if (source.kind !== 'former-only')
    return new EncryptingCodec(await SecretKeys.load({ read: () => readKeys(source, null), clock }));
  const former = source.old.reveal().map((bytes) => secretKey(bytes, 'TIDEMARK_OLD_PAYLOAD_KEYS'));
  return new EncryptingCodec({ current: null, keyOf: async (id) => former.find((key) => key.id === id) ?? null });
}

/** Reads the keys only with the first payload, for callers that cannot wait for their options. */
class LazyCodec implements PayloadCodec {
  readonly #read: () => Promise<PayloadCodec | null>;
  #codec: Promise<PayloadCodec | null> | null = null;

  constructor(read: () => Promise<PayloadCodec | null>) {
    this.#read = read;
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return (await this.#once())?.encode(payloads) ?? payloads;
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return (await this.#once())?.decode(payloads) ?? payloads;
  }

  /** Keys that could not be read are read again for the next payload. */
  #once(): Promise<PayloadCodec | null> {
    this.#codec ??= this.#read().catch((error: unknown) => {
      this.#codec = null;
      throw error;
    });
    return this.#codec;
  }
}

/** Puts a failure's message and stack into payloads. This is a path, because Temporal's SDK loads the module itself. */
const FAILURE_CONVERTER = fileURLToPath(new URL(`./encoded-failures${extname(import.meta.url)}`, import.meta.url));

/**
 * The data converter that every client and worker of this configuration must use. Workflow code does not need it:
 * codecs run outside the sandbox.
 *
 * @throws {SecretKeyError} when the keys cannot be read
 */
export async function dataConverterOf(config: Config, clock: Clock): Promise<DataConverter> {
  const codec = await payloadCodecOf(config, clock);
  return codec === null ? {} : converterWith(config, codec);
}

/**
 * The same converter, without a wait: the keys are read with the first payload. When the keys cannot be read, the
 * payload fails with a {@link SecretKeyError}.
 */
export function dataConverterOnceRead(config: Config, clock: Clock): DataConverter {
  if (config.secrets.payloadKeys === null) return {};
  return converterWith(config, new LazyCodec(() => payloadCodecOf(config, clock)));
}

function converterWith(config: Config, codec: PayloadCodec): DataConverter {
  return config.secrets.payloadKeys?.kind === 'former-only'
    ? { payloadCodecs: [codec] }
    : { payloadCodecs: [codec], failureConverterPath: FAILURE_CONVERTER };
}
