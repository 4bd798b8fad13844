import type { Change } from '../../model/change.ts';
import { TidemarkError } from '../../model/tidemark-error.ts';

/** Thrown when a link of a subscription cannot be made for each message. */
export class InvalidLinkError extends TidemarkError {
  override readonly name = 'InvalidLinkError';
  readonly code = 'invalid-link';
}

const PLACES = ['mailbox', 'messageId', 'threadId'] as const;
const PLACE = /\{(\w*)\}/g;

/**
 * Checks a link that payloads carry so that a receiver can fetch the message from the product's own API, such as
 * `https://api.example.com/mail/{mailbox}/{messageId}`.
 *
 * @throws {InvalidLinkError} when it is no http(s) URL, or has a place that is not known
 */
export function checkLink(template: string): void {
  const unknown = [...template.matchAll(PLACE)].map(([, name = '']) => name).filter((name) => !isPlace(name));
  if (unknown.length > 0)
    throw new InvalidLinkError(
      `A link has places for ${PLACES.map((name) => `{${name}}`).join(', ')}, and not for {${unknown[0] ?? ''}}.`,
    );
  const url = template.replaceAll(PLACE, 'x');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new InvalidLinkError('A link is a URL such as https://api.example.com/mail/{mailbox}/{messageId}');
}

/** The link of one message. */
export function linkTo(template: string, change: Pick<Change, (typeof PLACES)[number]>): string {
  return template.replaceAll(PLACE, (place, name: string) =>
    isPlace(name) ? encodeURIComponent(change[name]) : place,
  );
}

const isPlace = (name: string): name is (typeof PLACES)[number] => PLACES.some((place) => place === name);
