import type { Selectable } from 'kysely';
import type { MailAddress } from '../../model/mail-address.ts';
import type { MessageId } from '../../model/ids.ts';
import type { BulkTable, ColumnValue } from '../engines/bulk-insert.ts';
import { storedDate } from '../engines/safe-integer.ts';
import type { MessageHeadersTable } from '../engines/message-tables.ts';
import type { MessageHeaders } from '../rules/message-headers.ts';

export const MESSAGE_HEADERS = {
  table: 'message_headers',
  columns: [
    'mailbox_key',
    'message_id',
    'subject',
    'from_name',
    'from_address',
    'recipients',
    'sent_at',
    'rfc822_id',
    'has_attachments',
  ],
  key: ['mailbox_key', 'message_id'],
  onConflict: 'update',
} as const satisfies BulkTable;

const KINDS = ['to', 'cc', 'bcc'] as const;
type Recipient = readonly [kind: string, name: string, address: string];

/** The values of the columns of {@link MESSAGE_HEADERS}. */
export function toHeaderValues(mailboxKey: number, id: MessageId, headers: MessageHeaders): ColumnValue[] {
  const recipients = KINDS.flatMap((kind) =>
    headers[kind].map(({ name, address }): Recipient => [kind, name, address]),
  );
  return [
    mailboxKey,
    id,
    headers.subject,
    headers.from?.name ?? null,
    headers.from?.address ?? null,
    JSON.stringify(recipients),
    headers.sentAt,
    headers.rfc822Id,
    headers.hasAttachments === null ? null : headers.hasAttachments ? 1 : 0,
  ];
}

export function fromHeaderColumns(
  columns: Omit<Selectable<MessageHeadersTable>, 'mailbox_key' | 'message_id'>,
): MessageHeaders {
  const recipients = JSON.parse(columns.recipients) as readonly Recipient[];
  const of = (wanted: string): readonly MailAddress[] =>
    recipients.flatMap(([kind, name, address]) => (kind === wanted ? [{ name, address }] : []));
  return {
    subject: columns.subject,
    from: columns.from_address === null ? null : { name: columns.from_name ?? '', address: columns.from_address },
    to: of('to'),
    cc: of('cc'),
    bcc: of('bcc'),
    sentAt: storedDate(columns.sent_at),
    rfc822Id: columns.rfc822_id,
    hasAttachments: columns.has_attachments === null ? null : columns.has_attachments === 1,
  };
}
