import type { Command } from 'commander';

import { base64url } from '../model/base64url.ts';
import type { MailAddress } from '../model/mail-address.ts';
import type { MailboxId } from '../model/ids.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { Attachment, Message } from '../reading/index.ts';
import { mailboxVerb, withReader, type Cli, type VerbOptions } from './verb-context.ts';
import { counted, timeOf } from './words.ts';

interface ShowOptions extends VerbOptions {
  readonly raw?: boolean;
}

export function addShow(program: Command, cli: Cli): void {
  mailboxVerb(program, 'show', {
    examples: [
      'tidemark show ada@example.com 18c2f0a1b2c3d4e5',
      'tidemark show ada@example.com 18c2f0a1b2c3d4e5 --raw > message.eml',
    ],
  })
    .argument('<message>', 'the id of the message')
    .option('--raw', 'print the RFC 822 bytes, of a message that is stored raw')
    .addHelpText('after', '\nNeeds no Temporal server. Ids of messages: tidemark changes EMAIL, or the view mail.')
    .action((mailbox: MailboxId, id: string, options: ShowOptions) =>
      withReader(cli, options, async ({ reader, out }) => {
        const message = await reader.mailbox(mailbox).message(id);
        if (message === null)
          throw new CannotDoError(
            'message-unknown',
            `${mailbox} has no readable message "${id}": no such message is known, ` +
              'or it is not fetched yet, deleted or out of scope.',
          );
        const raw = options.raw === true ? await rawOf(message) : null;
        if (raw !== null && !out.json) return out.mail(raw);
        const shown = await shownOf(message);
        out.result({ ...messageJson(shown), ...(raw === null ? {} : { raw: base64url(raw) }) }, () =>
          messageLines(shown),
        );
      }),
    );
}

async function rawOf({ raw, id, format, mailbox, lacks }: Message): Promise<Uint8Array> {
  const bytes = await raw();
  if (bytes !== null) return bytes;
  if (lacks === 'raw')
    throw new CannotDoError(
      'not-raw',
      `Message ${id} is stored in the ${format} format, ` +
        'because Gmail gives no RFC 822 bytes of it (chats have none). ' +
        `To read it: tidemark show ${mailbox} ${id}`,
    );
  throw new CannotDoError(
    'not-raw',
    `Message ${id} is stored in the ${format} format, which does not hold its RFC 822 bytes. ` +
      `To fetch every message again as raw: tidemark start ${mailbox} --format raw --wait`,
  );
}

interface Shown {
  readonly message: Message;
  readonly text: string | null;
  readonly html: string | null;
  readonly attachments: readonly Attachment[];
}

async function shownOf(message: Message): Promise<Shown> {
  const [text, html, attachments] = [await message.text(), await message.html(), await message.attachments()];
  return { message, text, html, attachments };
}

function messageJson({ message, text, html, attachments }: Shown): object {
  const { id, threadId, mailbox, subject, from, to, cc, bcc, date, sentAt, rfc822Id } = message;
  const { labels, snippet, size, hasAttachments, format, lacks } = message;
  return {
    mailbox,
    id,
    threadId,
    subject,
    from,
    to,
    cc,
    bcc,
    date,
    sentAt,
    rfc822Id,
    labels,
    snippet,
    size,
    hasAttachments,
    format,
    lacks,
    text,
    html,
    attachments: attachments.map(({ name, type, size: bytes, contentId, isInline, isHeld }) => ({
      name,
      type,
      size: bytes,
      contentId,
      isInline,
      isHeld,
    })),
  };
}

/** The message's text is indented, so that none of its lines can be taken for one of ours. */
function messageLines({ message, text, attachments }: Shown): readonly string[] {
  const { from, to, cc, bcc, date, sentAt, subject, labels, format, lacks } = message;
  const when = date ?? sentAt;
  const rows: readonly (readonly [name: string, value: string])[] = [
    ['From', from === null ? '' : addressWords(from)],
    ['To', to.map(addressWords).join(', ')],
    ['Cc', cc.map(addressWords).join(', ')],
    ['Bcc', bcc.map(addressWords).join(', ')],
    ['Date', when === null ? '' : timeOf(when.getTime())],
    ['Subject', subject ?? ''],
    ['Labels', labels.map(({ name }) => name).join(', ')],
    ...attachments.map((attachment) => ['Attached', attachmentWords(attachment)] as const),
    ['Lacks', lacks === null ? '' : `${lacks}, which Gmail does not give`],
  ];
  return [
    ...rows.filter(([, value]) => value !== '').map(([name, value]) => `${`${name}:`.padEnd(9)} ${value}`),
    '',
    ...(text === null ? [noTextWords(format)] : textLines(text)),
  ];
}

const noTextWords = (format: Message['format']): string =>
  format === 'full' || format === 'raw'
    ? '(no text: the message has none)'
    : `(no text: the message is stored in the ${format} format)`;

const textLines = (text: string): readonly string[] =>
  text
    .trimEnd()
    .replaceAll('\t', '    ')
    .split(/\r\n|\r|\n/)
    .map((line) => `  ${line}`.trimEnd());

const addressWords = ({ name, address }: MailAddress): string =>
  name === '' ? address : address === '' ? name : `${name} <${address}>`;

const attachmentWords = ({ name, type, size, isHeld }: Attachment): string =>
  `${name ?? '(no name)'} (${type}, ${counted(size, 'byte')}${isHeld ? '' : ', not stored'})`;
