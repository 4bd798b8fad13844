import { isIP } from 'node:net';

import { refusalOfConnection, type AddressPolicy } from './address-guard.ts';

const LONGEST_URL = 2_000;

export type CheckedUrl =
  { readonly kind: 'usable'; readonly url: URL } | { readonly kind: 'refused'; readonly reason: string };

/**
 * Checks what can be known of a webhook's URL without asking anybody: a subscription is refused with the reason. The
 * address behind a name is checked with each connection.
 *
 * The reason names the host at most, because paths and queries of receivers often hold a secret.
 */
export function checkWebhookUrl(text: string, policy: AddressPolicy): CheckedUrl {
  const refused = (reason: string): CheckedUrl => ({ kind: 'refused', reason });
  if (text.length > LONGEST_URL) return refused(`The URL is longer than ${LONGEST_URL} characters.`);
  if (!URL.canParse(text)) return refused('The URL cannot be read. Write it like https://example.com/hooks/mail');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return refused(`A webhook is sent over https, and this URL begins with ${url.protocol}`);
  if (url.username !== '' || url.password !== '')
    return refused('The URL holds a user or a password. Receivers know the sender by its signature: leave them out.');
  const address = addressOf(url.hostname);
  const refusal = address === null ? null : refusalOfConnection({ address, protocol: url.protocol }, policy);
  return refusal === null ? { kind: 'usable', url } : refused(refusedHost(url.hostname, refusal));
}

/** @returns null when the host of a URL is a name */
export function addressOf(hostname: string): string | null {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? null : bare;
}

/** The sentence about a refused address. `refusal` is that of {@link refusalOfConnection}. */
export function refusedHost(hostname: string, refusal: string): string {
  return (
    `No webhook is sent to ${hostname}: ${refusal}. Give a public https URL, ` +
    'allow private addresses for it, or allow its network.'
  );
}
