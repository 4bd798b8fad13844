import { resolve } from 'node:path';

import { z } from 'zod';

import { Secret } from '../model/secret.ts';
import type { KeySource } from '../model/key-source.ts';
import type { Values, Variables } from './section.ts';

/** Where to find the keys that encrypt credentials and payloads. */
export interface SecretsConfig {
  /** The keys that encrypt credentials; `own-file` when no variable names one. */
  readonly credentialKeys: KeySource;
  /** The keys that encrypt payloads in Temporal's histories; null when payloads are not encrypted and never were. */
  readonly payloadKeys: PayloadKeys | null;
}

export type PayloadKeys =
  | Exclude<KeySource, { readonly kind: 'own-file' }>
  /** New payloads are not encrypted, but earlier ones can still be decrypted. */
  | { readonly kind: 'former-only'; readonly old: Secret<readonly Uint8Array[]> };

const KEY = '[A-Za-z0-9+/]{43}=?';
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

const key = z
  .string()
  .regex(new RegExp(`^${KEY}$`))
  .transform(bytesOf);
const keys = z
  .string()
  .regex(new RegExp(`^\\s*${KEY}([\\s,]+${KEY})*\\s*$`))
  .transform((text) =>
    text
      .trim()
      .split(/[\s,]+/)
      .map(bytesOf),
  );

const ONE = '32 bytes in base64, for example what `openssl rand -base64 32` prints';
const SEVERAL = 'former keys, each 32 bytes in base64, with commas between them';

export const secretVariables = {
  TIDEMARK_SECRET_KEY: { schema: key.optional(), expected: ONE, secret: true },
  TIDEMARK_SECRET_KEY_FILE: {
    schema: z.string().optional(),
    expected: 'a file with a key, for example /run/secrets/tidemark-key',
  },
  TIDEMARK_SECRET_KEY_COMMAND: { schema: z.string().optional(), expected: 'a command that prints a key', secret: true },
  TIDEMARK_OLD_SECRET_KEYS: { schema: keys.default([]), expected: SEVERAL, secret: true },
  TIDEMARK_PAYLOAD_KEY: { schema: key.optional(), expected: ONE, secret: true },
  TIDEMARK_PAYLOAD_KEY_FILE: {
    schema: z.string().optional(),
    expected: 'a file with a key, for example /run/secrets/tidemark-payload-key',
  },
  TIDEMARK_PAYLOAD_KEY_COMMAND: {
    schema: z.string().optional(),
    expected: 'a command that prints a key',
    secret: true,
  },
  TIDEMARK_OLD_PAYLOAD_KEYS: { schema: keys.default([]), expected: SEVERAL, secret: true },
} as const satisfies Variables;

/** Groups of variables that exclude each other. */
export const EXCLUSIVE_VARIABLES = [
  ['TIDEMARK_SECRET_KEY', 'TIDEMARK_SECRET_KEY_FILE', 'TIDEMARK_SECRET_KEY_COMMAND'],
  ['TIDEMARK_PAYLOAD_KEY', 'TIDEMARK_PAYLOAD_KEY_FILE', 'TIDEMARK_PAYLOAD_KEY_COMMAND'],
] as const;

export function readSecrets(values: Values<typeof secretVariables>, { cwd }: { cwd: string }): SecretsConfig {
  const credentialKeys = sourceOf(cwd, {
    variable: 'TIDEMARK_SECRET_KEY',
    value: values.TIDEMARK_SECRET_KEY,
    file: values.TIDEMARK_SECRET_KEY_FILE,
    command: values.TIDEMARK_SECRET_KEY_COMMAND,
    old: values.TIDEMARK_OLD_SECRET_KEYS,
  });
  const payloadKeys = sourceOf(cwd, {
    variable: 'TIDEMARK_PAYLOAD_KEY',
    value: values.TIDEMARK_PAYLOAD_KEY,
    file: values.TIDEMARK_PAYLOAD_KEY_FILE,
    command: values.TIDEMARK_PAYLOAD_KEY_COMMAND,
    old: values.TIDEMARK_OLD_PAYLOAD_KEYS,
  });
  return Object.freeze({
    credentialKeys,
    payloadKeys: payloadKeys.kind === 'own-file' ? formerOnly(payloadKeys.old) : payloadKeys,
  });
}

function formerOnly(old: Secret<readonly Uint8Array[]>): PayloadKeys | null {
  return old.reveal().length === 0 ? null : Object.freeze({ kind: 'former-only', old });
}

interface Given {
  readonly variable: string;
  readonly value: Uint8Array | undefined;
  readonly file: string | undefined;
  readonly command: string | undefined;
  readonly old: readonly Uint8Array[];
}

function sourceOf(cwd: string, { variable, value, file, command, old }: Given): KeySource {
  const former = { variable, old: new Secret(old) };
  if (value !== undefined) return Object.freeze({ kind: 'value', key: new Secret(value), ...former });
  if (file !== undefined) return Object.freeze({ kind: 'file', path: resolve(cwd, file), ...former });
  if (command !== undefined) return Object.freeze({ kind: 'command', command: new Secret(command), ...former });
  return Object.freeze({ kind: 'own-file', ...former });
}
