import type { Label } from '../model/change.ts';
import type { LabelId, MailboxId } from '../model/ids.ts';
import { CannotDoError } from '../model/program-errors.ts';
import type { Bodies } from '../store/bodies/bodies.ts';
import type { StoreDatabase } from '../store/engines/store-database.ts';
import { bodyLost } from '../store/fetching/lost-bodies.ts';
import { describeBody } from '../store/headers/describe-body.ts';
import type { MailSummary } from '../store/reads/mail-summaries.ts';
import { findRow, readBody } from '../store/rows/stored-rows.ts';
import { contentOf } from './decode-body.ts';
import { NO_CONTENT, type MessageContent } from './message-content.ts';
import type { Message } from './message.ts';

/** Where a message is read from. */
export interface MessageSource {
  readonly database: StoreDatabase;
  readonly bodies: Bodies;
  readonly mailbox: MailboxId;
  readonly key: number;
  readonly labels: ReadonlyMap<LabelId, Label>;
}

/** The message that a summary describes. Reads the body at once only when an earlier version stored the message. */
export async function messageOf(source: MessageSource, summary: MailSummary): Promise<Message> {
  const { mailbox, labels } = source;
  const { id, threadId, format, lacks, snippet, internalDate, sizeEstimate } = summary;
  let reading: Promise<Uint8Array | null> | null = null;
  const body = (): Promise<Uint8Array | null> => (reading ??= bodyOf(source, summary));
  let decoding: Promise<MessageContent> | null = null;
  const content = (): Promise<MessageContent> =>
    (decoding ??= body().then((bytes) => decoded(mailbox, summary, bytes)));
  const { sentAt, ...headers } =
    summary.headers ?? (await describeBody(format, format === 'minimal' ? null : await body()));
  return {
    mailbox,
    id,
    threadId,
    ...headers,
    date: internalDate === null ? null : new Date(internalDate),
    sentAt: sentAt === null ? null : new Date(sentAt),
    labels: summary.labelIds.map((label) => labels.get(label) ?? { id: label, name: label, type: 'user' }),
    snippet,
    size: sizeEstimate,
    format,
    lacks,
    text: async () => (await content()).text(),
    html: async () => (await content()).html(),
    attachments: async () => (await content()).attachments(),
    headers: async () => (await content()).headers(),
    raw: async () => (format === 'raw' ? body() : null),
  };
}

function decoded(mailbox: MailboxId, { id, format, lacks }: MailSummary, body: Uint8Array | null): MessageContent {
  if (body === null || format === 'minimal') return NO_CONTENT;
  return contentOf(
    format,
    body,
    (name) =>
      new CannotDoError(
        'attachment-not-held',
        lacks === 'attachments'
          ? `Gmail did not give the attachment "${name}" of message ${id} of ${mailbox}. Syncs ask for it again.`
          : `The attachment "${name}" of message ${id} of ${mailbox} is not stored.`,
        {
          mailbox,
          remedy: { kind: lacks === 'attachments' ? 'see-failures' : 'store-attachments', mailbox },
        },
      ),
  );
}

/** @throws {StoreError} `body-lost` */
async function bodyOf({ database, bodies, key, mailbox }: MessageSource, { id }: MailSummary) {
  const row = await findRow(database, key, id);
  const read = row === undefined ? null : await readBody(database, bodies, key, row);
  if (read?.kind === 'lost') throw bodyLost(mailbox, { messageId: id, ...read });
  if (read?.kind === 'read') return read.body;
  throw new CannotDoError('message-left', `Message ${id} left ${mailbox} while it was read. Read its thread again.`, {
    mailbox,
  });
}
