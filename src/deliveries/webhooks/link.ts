import type { Change } from '../../model/change.ts';
import { TidemarkError } from '../../model/tidemark-error.ts';

/** Thrown when a link of a subscription cannot be made for each message. */
export class InvalidLinkError extends TidemarkError {
  override readonly name = 'InvalidLinkError';
  readonly code = 'invalid-link';
}

const PLACEHOLDERS = ['mailbox', 'messageId', 'threadId'] as const;
const PLACEHOLDER = /\{(\w*)\}/g;

/**
 * Checks a link that payloads carry so that a receiver can fetch the message from the product's own API, such as
 * `https://api.example.com/mail/{mailbox}/{messageId}`.
 *
 * @throws {InvalidLinkError} when it is no http(s) URL, or has a placeholder that is not known
 */
export function checkLink(template: string): void {
  const unknown = [...template.matchAll(PLACEHOLDER)]
    .map(([, name = '']) => name)
    .filter((name) => !isPlaceholder(name));
  if (unknown.length > 0) {
    const known = PLACEHOLDERS.map((name) => `{${name}}`).join(', ');
    throw new InvalidLinkError(`A link may have the placeholders ${known}, but not {${unknown[0] ?? ''}}.`);
  }
  const url = template.replaceAll(PLACEHOLDER, 'x');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new InvalidLinkError('A link is a URL such as https://api.example.com/mail/{mailbox}/{messageId}');
}

/** The link of one message. */
export function linkTo(template: string, change: Pick<Change, (typeof PLACEHOLDERS)[number]>): string {
  return template.replaceAll(PLACEHOLDER, (placeholder, name: string) =>
    isPlaceholder(name) ? encodeURIComponent(change[name]) : placeholder,
  );
}

const isPlaceholder = (name: string): name is (typeof PLACEHOLDERS)[number] =>
  PLACEHOLDERS.some((known) => known === name);
