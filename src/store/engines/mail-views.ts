import { MAIL_VIEWS_SCHEMA, POSTGRES_SCHEMA } from './dialect.ts';
import { READABLE_ID } from './readable-mailbox.ts';

/**
 * The views of readable mail, for people and programs that know SQL: `mail`, `mail_labels` and `mail_recipients`.
 * docs/reading.md documents their columns. They are stable: a column is added, and never renamed or removed. Mailboxes
 * that are being removed or moved are not shown.
 */

const READABLE = `messages.state = 'stored' and mailboxes.id like '${READABLE_ID}'`;

/** Joins the headers of a message. */
const ITS_HEADERS = 'message_headers.mailbox_key = messages.mailbox_key and message_headers.message_id = messages.id';
/** Joins labels that Gmail still knows. */
const ITS_LABELS = "labels.mailbox_key = messages.mailbox_key and labels.type <> 'gone'";

/** What each database writes in its own way. */
interface MailSyntax {
  readonly table: (name: string) => string;
  /** A time for people, of epoch milliseconds. */
  readonly time: (column: string) => string;
  /** The addresses of one kind of recipient. */
  readonly joined: (kind: 'to' | 'cc' | 'bcc') => string;
  readonly hasAttachments: string;
  /** The names of the message's labels. */
  readonly labels: string;
}

const selectMail = ({ table, time, joined, hasAttachments, labels }: MailSyntax): string => `select
      mailboxes.id as mailbox,
      messages.id as id,
      messages.thread_id as thread_id,
      ${time('messages.internal_date')} as received_at,
      ${time('message_headers.sent_at')} as sent_at,
      message_headers.from_name as from_name,
      message_headers.from_address as from_address,
      message_headers.subject as subject,
      ${joined('to')} as to_addresses,
      ${joined('cc')} as cc_addresses,
      ${joined('bcc')} as bcc_addresses,
      message_headers.rfc822_id as message_id,
      ${hasAttachments} as has_attachments,
      ${labels} as labels,
      messages.snippet as snippet,
      messages.size_estimate as size
    from ${table('messages')}
    join ${table('mailboxes')} on mailboxes.key = messages.mailbox_key
    left join ${table('message_headers')} on ${ITS_HEADERS}
    where ${READABLE}`;

/**
 * SQLite has one name space, so the names do not repeat those of tables. Times are text, as its date functions read.
 */
export function sqliteMailViews(): readonly string[] {
  return [
    `create view mail as ${selectMail({
      table: (name) => name,
      time: (column) => `strftime('%Y-%m-%dT%H:%M:%SZ', ${column} / 1000, 'unixepoch')`,
      joined: (kind) => `(select group_concat(json_extract(value, '$[2]'), ', ')
        from json_each(message_headers.recipients) where json_extract(value, '$[0]') = '${kind}')`,
      hasAttachments: 'message_headers.has_attachments',
      labels: `(select group_concat(coalesce(labels.name, value), ', ') from json_each(messages.label_ids)
        left join labels on ${ITS_LABELS} and labels.id = value)`,
    })}`,
    `create view mail_labels as select
      mailboxes.id as mailbox,
      messages.id as id,
      label.value as label_id,
      coalesce(labels.name, label.value) as label
    from messages
    join mailboxes on mailboxes.key = messages.mailbox_key
    join json_each(messages.label_ids) as label
    left join labels on ${ITS_LABELS} and labels.id = label.value
    where ${READABLE}`,
    `create view mail_recipients as select
      mailboxes.id as mailbox,
      messages.id as id,
      json_extract(recipient.value, '$[0]') as kind,
      json_extract(recipient.value, '$[1]') as name,
      json_extract(recipient.value, '$[2]') as address
    from messages
    join mailboxes on mailboxes.key = messages.mailbox_key
    join message_headers on ${ITS_HEADERS}
    join json_each(message_headers.recipients) as recipient
    where ${READABLE}`,
  ];
}

/** The views have a schema of their own, the only one to which a reader needs access. */
export function postgresMailViews(): readonly string[] {
  const table = (name: string): string => `${POSTGRES_SCHEMA}.${name} as ${name}`;
  const view = (name: string): string => `create view ${MAIL_VIEWS_SCHEMA}.${name} as`;
  return [
    `${view('mail')} ${selectMail({
      table,
      // A date that PostgreSQL cannot hold must not end the query.
      time: (column) =>
        `case when ${column} between -62135596800000 and 253402300799999 then to_timestamp(${column} / 1000.0) end`,
      joined: (kind) => `(select string_agg(value ->> 2, ', ' order by place)
        from jsonb_array_elements(message_headers.recipients::jsonb) with ordinality as recipient (value, place)
        where value ->> 0 = '${kind}') collate "C"`,
      hasAttachments: 'message_headers.has_attachments = 1',
      labels: `(select string_agg(coalesce(labels.name, label.value), ', ' order by label.place)
        from jsonb_array_elements_text(messages.label_ids::jsonb) with ordinality as label (value, place)
        left join ${table('labels')} on ${ITS_LABELS} and labels.id = label.value)`,
    })}`,
    `${view('mail_labels')} select
      mailboxes.id as mailbox,
      messages.id as id,
      label.value collate "C" as label_id,
      coalesce(labels.name, label.value) as label
    from ${table('messages')}
    join ${table('mailboxes')} on mailboxes.key = messages.mailbox_key
    cross join lateral jsonb_array_elements_text(messages.label_ids::jsonb) as label (value)
    left join ${table('labels')} on ${ITS_LABELS} and labels.id = label.value
    where ${READABLE}`,
    `${view('mail_recipients')} select
      mailboxes.id as mailbox,
      messages.id as id,
      (recipient.value ->> 0) collate "C" as kind,
      (recipient.value ->> 1) collate "C" as name,
      (recipient.value ->> 2) collate "C" as address
    from ${table('messages')}
    join ${table('mailboxes')} on mailboxes.key = messages.mailbox_key
    join ${table('message_headers')} on ${ITS_HEADERS}
    cross join lateral jsonb_array_elements(message_headers.recipients::jsonb) as recipient (value)
    where ${READABLE}`,
  ];
}
