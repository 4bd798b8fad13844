import PostalMime, { type Email } from 'postal-mime';
import type { MessageContent } from './message-content.ts';

/** The texts of a parsed message. A message that only has HTML is shown as plain text, too. */
export const textsOf = (email: () => Promise<Email>): Pick<MessageContent, 'text' | 'html'> => ({
  text: async () => {
    const { text, html } = await email();
    return text ?? (html === undefined ? null : plainText(html));
  },
  html: async () => (await email()).html ?? null,
});

/**
 * HTML as plain text. The parser converts HTML only when the message also has a part in plain text, so it is given an
 * empty part.
 */
async function plainText(html: string): Promise<string | null> {
  const { text } = await PostalMime.parse(multipart([part('text/html; charset=utf-8', Buffer.from(html)), EMPTY]));
  return text?.trimEnd() ?? null;
}

const BOUNDARY = 'tidemark';
const part = (contentType: string, content: Buffer): string =>
  `Content-Type: ${contentType}\r\nContent-Transfer-Encoding: base64\r\n\r\n${content.toString('base64')}`;
const EMPTY = part('text/plain; charset=utf-8', Buffer.alloc(0));

/** Parts in base64 contain no boundary. */
function multipart(parts: readonly string[], kind = 'mixed'): string {
  const boundary = `${BOUNDARY}-${kind}`;
  return (
    `Content-Type: multipart/${kind}; boundary=${boundary}\r\n\r\n` +
    `${parts.map((each) => `--${boundary}\r\n${each}\r\n`).join('')}--${boundary}--\r\n`
  );
}

/** A part of a message that is text. */
export interface TextPart {
  /** The header Content-Type, with the character set of `content`. */
  readonly contentType: string;
  readonly content: Buffer;
}

/**
 * A message for the parser: parts that are alternatives of each other stay together, and nothing is nested deeper than
 * that.
 */
export function mimeOf(groups: readonly (readonly TextPart[])[]): string {
  return multipart(
    groups.map((group) =>
      multipart(
        group.map(({ contentType, content }) => part(contentType, content)),
        'alternative',
      ),
    ),
  );
}
