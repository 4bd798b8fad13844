import { z } from 'zod';
import { jsonOf } from '../../model/json-of.ts';
import { InvalidCredentialsError } from './credentials.ts';

/** An OAuth client of a Google Cloud project, which asks people for their consent. */
export interface OAuthClient {
  /** `installed` is what the console calls a Desktop app. */
  readonly kind: 'installed' | 'web';
  readonly clientId: string;
  readonly clientSecret: string;
}

const present = z.string().min(1);
const CLIENT = z.object({ client_id: present, client_secret: present });
const FILE = z.union([z.object({ installed: CLIENT }), z.object({ web: CLIENT })]);

const HOW =
  'Create an OAuth client of type "Desktop app" (or "Web application", ' +
  "for a product's own routes) in the Google Cloud console, and download its JSON.";

/**
 * Reads the file that the Google Cloud console offers for an OAuth client.
 *
 * @param text - the file's JSON
 * @throws {InvalidCredentialsError} for any other file; the message shows nothing of it
 */
export function parseOAuthClient(text: string): OAuthClient {
  const json = jsonOf(text);
  if (json === undefined) throw new InvalidCredentialsError(`The client file is not JSON. ${HOW}`);
  const read = FILE.safeParse(json);
  if (!read.success)
    throw new InvalidCredentialsError(`The client file is not that of an OAuth client with a secret. ${HOW}`);
  const kind = 'web' in read.data ? 'web' : 'installed';
  const { client_id: clientId, client_secret: clientSecret } = 'web' in read.data ? read.data.web : read.data.installed;
  return { kind, clientId, clientSecret };
}
