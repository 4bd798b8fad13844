import { z } from 'zod';
import type { MessageFormat } from '../model/settings.ts';

/** What Google's credential files hold, as far as a grant needs it. */
export type GoogleCredentials =
  /** One person's consent: https://developers.google.com/identity/protocols/oauth2/native-app */
  | { readonly type: 'authorized_user'; readonly clientId: string; readonly clientSecret: string; readonly refreshToken: string }
  /** Domain-wide delegation: https://developers.google.com/identity/protocols/oauth2/service-account */
  | { readonly type: 'service_account'; readonly clientEmail: string; readonly privateKey: string; readonly privateKeyId: string | null };

/** Thrown when a credential file cannot be used. The message names what is missing, never what the file holds. */
export class InvalidCredentialsError extends Error {
  override readonly name = 'InvalidCredentialsError';
}

const present = z.string().min(1);

const FILE = z.discriminatedUnion('type', [
  z.object({ type: z.literal('authorized_user'), client_id: present, client_secret: present, refresh_token: present }),
  z.object({
    type: z.literal('service_account'),
    client_email: present,
    private_key: present.includes('PRIVATE KEY'),
    private_key_id: z.string().optional(),
  }),
]);

const TYPES = 'type "authorized_user" (one person\'s consent) or "service_account" (domain-wide delegation)';

/**
 * Reads a credential file of Google's.
 *
 * @param text - the file's JSON
 * @throws {InvalidCredentialsError} when it is no such file or lacks a field
 */
export function parseCredentials(text: string): GoogleCredentials {
  const parsed = FILE.safeParse(jsonOf(text));
  if (!parsed.success) throw new InvalidCredentialsError(explain(jsonOf(text), parsed.error));
  const file = parsed.data;
  if (file.type === 'authorized_user') {
    return { type: file.type, clientId: file.client_id, clientSecret: file.client_secret, refreshToken: file.refresh_token };
  }
  return { type: file.type, clientEmail: file.client_email, privateKey: file.private_key, privateKeyId: file.private_key_id ?? null };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidCredentialsError(`The credentials are not JSON. Give a file of ${TYPES}.`);
  }
}

function explain(json: unknown, error: z.ZodError): string {
  // The file that the Google Cloud console offers for an OAuth client is the client alone, without anybody's consent.
  if (typeof json === 'object' && json !== null && ('installed' in json || 'web' in json)) {
    return `The credentials are an OAuth client without a grant. Connect the mailbox with it first: the result is a file of ${TYPES}.`;
  }
  const fields = error.issues.map((issue) => issue.path.join('.'));
  if (fields.includes('type') || fields.includes('')) return `The credentials are not a file of ${TYPES}.`;
  return `The credentials lack ${fields.join(', ')}, or hold no text there. Download or create the file again.`;
}

/**
 * The narrowest scope that a format can be read with; `q` in listings needs `gmail.readonly`, too.
 * @param options.searches - whether listings use `q`, which a scope by age does
 * @see https://developers.google.com/workspace/gmail/api/auth/scopes
 */
export function scopesFor(format: MessageFormat, { searches = false }: { searches?: boolean } = {}): readonly string[] {
  const metadataOnly = !searches && (format === 'metadata' || format === 'minimal');
  return [`https://www.googleapis.com/auth/${metadataOnly ? 'gmail.metadata' : 'gmail.readonly'}`];
}
