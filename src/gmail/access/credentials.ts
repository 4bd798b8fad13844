import { z } from 'zod';

import { jsonOf } from '../../model/json-of.ts';
import type { Remedy } from '../../model/remedy.ts';
import { TidemarkError } from '../../model/tidemark-error.ts';

/** The parts of Google's credential files that a grant needs. */
export type GoogleCredentials =
  /** One person's consent: https://developers.google.com/identity/protocols/oauth2/native-app */
  | {
      readonly type: 'authorized_user';
      readonly clientId: string;
      readonly clientSecret: string;
      readonly refreshToken: string;
      /** What was granted; null when the file does not say. */
      readonly scopes: readonly string[] | null;
    }
  /** Domain-wide delegation: https://developers.google.com/identity/protocols/oauth2/service-account */
  | {
      readonly type: 'service_account';
      readonly clientEmail: string;
      readonly privateKey: string;
      readonly privateKeyId: string | null;
    };

/** Thrown when a credential file cannot be used. The message names what is missing and repeats nothing of the file. */
export class InvalidCredentialsError extends TidemarkError {
  override readonly name = 'InvalidCredentialsError';
  readonly code = 'invalid-credentials';
}

const present = z.string().min(1);

const FILE = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('authorized_user'),
    client_id: present,
    client_secret: present,
    refresh_token: present,
    scopes: z.array(z.string()).optional(),
  }),
  z.object({
    type: z.literal('service_account'),
    client_email: present,
    private_key: present.includes('PRIVATE KEY'),
    private_key_id: z.string().optional(),
  }),
]);

const TYPES = 'type "authorized_user" (one person\'s consent) or "service_account" (domain-wide delegation)';

/**
 * Parses one of Google's credential files.
 *
 * @param text - the file's JSON
 * @throws {InvalidCredentialsError} when it is another kind of file, or lacks a field
 */
export function parseCredentials(text: string): GoogleCredentials {
  const json = jsonOf(text);
  if (json === undefined) throw new InvalidCredentialsError(`The credentials are not JSON. Give a file of ${TYPES}.`);
  const parsed = FILE.safeParse(json);
  if (!parsed.success) {
    const remedy: Remedy | null = isClient(json) ? { kind: 'consent-with-client' } : null;
    throw new InvalidCredentialsError(explain(json, parsed.error), { remedy });
  }
  const file = parsed.data;
  if (file.type === 'authorized_user') {
    return {
      type: file.type,
      clientId: file.client_id,
      clientSecret: file.client_secret,
      refreshToken: file.refresh_token,
      scopes: file.scopes ?? null,
    };
  }
  return {
    type: file.type,
    clientEmail: file.client_email,
    privateKey: file.private_key,
    privateKeyId: file.private_key_id ?? null,
  };
}

/** Writes a person's grant in the format of Google's credential file, with the granted scopes. */
export function authorizedUserFile({
  clientId,
  clientSecret,
  refreshToken,
  scopes,
}: Extract<GoogleCredentials, { type: 'authorized_user' }>): string {
  const file = {
    type: 'authorized_user',
    client_id: clientId,
    client_secret: clientSecret,
    refresh_token: refreshToken,
  };
  return JSON.stringify(scopes === null ? file : { ...file, scopes });
}

/** The Google Cloud console's file for an OAuth client holds only the client, without anybody's consent. */
const isClient = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && ('installed' in json || 'web' in json);

function explain(json: unknown, error: z.ZodError): string {
  if (isClient(json)) return 'The credentials are an OAuth client without a grant.';
  const fields = error.issues.map((issue) => issue.path.join('.'));
  if (fields.includes('type') || fields.includes('')) return `The credentials are not a file of ${TYPES}.`;
  return (
    `The credentials lack ${fields.join(', ')}, or hold something else there than Google writes. ` +
    'Download or create the file again.'
  );
}
