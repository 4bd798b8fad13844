import { invalidArgument, notFound } from './api-error.ts';
import { headerValue, parseHeaders } from './mime.ts';
import { labelJson } from './reading-routes.ts';
import type { CallBody, RouteContext, RouteResult, RouteTable } from './route.ts';

/** The calls that change a mailbox, for people who test their own Gmail code against the simulator. */
export const WRITING_ROUTES: RouteTable = {
  'POST watch': {
    method: 'watch',
    answer({ watches, mailbox, body }) {
      const labelIds = body.texts('labelIds');
      mailbox.labelBook.assertKnown(labelIds);
      return watches.watch(mailbox, { topicName: body.text('topicName'), labelIds });
    },
  },
  'POST stop': {
    method: 'stop',
    answer({ watches, mailbox }) {
      watches.stop(mailbox);
      return null;
    },
  },
  'POST labels': {
    method: 'labels.create',
    answer: ({ mailbox, body }) => labelJson(mailbox.createLabel(body.text('name') ?? '')),
  },
  'PATCH labels/*': { method: 'labels.patch', answer: renameLabel },
  'PUT labels/*': { method: 'labels.update', answer: renameLabel },
  'DELETE labels/*': {
    method: 'labels.delete',
    answer({ mailbox, ids: [id = ''] }) {
      mailbox.labelBook.get(id);
      mailbox.deleteLabel(id);
      return null;
    },
  },
  'POST messages': { method: 'messages.insert', answer: insert },
  'POST messages/import': { method: 'messages.import', answer: insert },
  'POST messages/send': {
    method: 'messages.send',
    answer: (context) => send(context, context.body.raw(), threadOf(context, context.body)),
  },
  'POST messages/batchModify': {
    method: 'messages.batchModify',
    answer({ mailbox, body }) {
      mailbox.modify(batchIds(body), changes(body));
      return null;
    },
  },
  'POST messages/batchDelete': {
    method: 'messages.batchDelete',
    answer({ mailbox, body }) {
      mailbox.deleteAll(batchIds(body));
      return null;
    },
  },
  'POST messages/*/modify': {
    method: 'messages.modify',
    answer: (context) => relabelled(context, changes(context.body)),
  },
  'POST messages/*/trash': { method: 'messages.trash', answer: (context) => relabelled(context, { add: ['TRASH'] }) },
  'POST messages/*/untrash': {
    method: 'messages.untrash',
    answer: (context) => relabelled(context, { remove: ['TRASH'] }),
  },
  'DELETE messages/*': {
    method: 'messages.delete',
    answer({ mailbox, ids: [id = ''] }) {
      mailbox.delete(id);
      return null;
    },
  },
  'POST threads/*/modify': {
    method: 'threads.modify',
    answer: (context) => relabelledThread(context, changes(context.body)),
  },
  'POST threads/*/trash': {
    method: 'threads.trash',
    answer: (context) => relabelledThread(context, { add: ['TRASH'] }),
  },
  'POST threads/*/untrash': {
    method: 'threads.untrash',
    answer: (context) => relabelledThread(context, { remove: ['TRASH'] }),
  },
  'DELETE threads/*': {
    method: 'threads.delete',
    answer(context) {
      context.mailbox.deleteAll(threadIds(context));
      return null;
    },
  },
};

/** Sends mail: the sender keeps a SENT message, and every recipient with a mailbox here receives the mail. */
export function send(context: RouteContext, raw: Buffer, threadId: string | undefined): RouteResult {
  const { mailbox, mailboxOf } = context;
  const { headers } = parseHeaders(raw);
  const recipients = ['to', 'cc', 'bcc'].flatMap(
    (name) => headerValue(headers, name)?.match(/[^\s<>,;:"]+@[^\s<>,;:"]+/g) ?? [],
  );
  if (recipients.length === 0) throw invalidArgument('Recipient address required');
  const emails = new Set(recipients.map((email) => email.toLowerCase()));
  const toSelf = emails.delete(mailbox.email);
  const sent = mailbox.insert({ raw, labelIds: toSelf ? ['SENT', 'INBOX', 'UNREAD'] : ['SENT'], threadId });
  for (const email of emails) mailboxOf(email)?.insert({ raw, labelIds: ['INBOX', 'UNREAD', 'CATEGORY_PERSONAL'] });
  return summary(context, sent.id);
}

/** The thread that a new message asks to join. */
export function threadOf({ mailbox }: RouteContext, body: CallBody): string | undefined {
  const threadId = body.text('threadId');
  if (threadId === null) return undefined;
  if (mailbox.thread(threadId).length === 0) throw notFound(`thread ${threadId} of ${mailbox.email}`);
  return threadId;
}

/** Gmail's answer to a change: the message's ids and labels. */
export function summary({ mailbox }: RouteContext, id: string): object {
  const { threadId, current } = mailbox.existing(id);
  return { id, threadId, ...(current.labelIds.length > 0 ? { labelIds: current.labelIds } : {}) };
}

function insert(context: RouteContext): RouteResult {
  const { mailbox, body, query } = context;
  const raw = body.raw();
  const date =
    query.get('internalDateSource') === 'dateHeader'
      ? Date.parse(headerValue(parseHeaders(raw).headers, 'date') ?? '')
      : Number.NaN;
  const inserted = mailbox.insert({
    raw,
    labelIds: body.texts('labelIds'),
    threadId: threadOf(context, body),
    internalDate: Number.isNaN(date) ? undefined : date,
  });
  return summary(context, inserted.id);
}

function renameLabel({ mailbox, body, ids: [id = ''] }: RouteContext): RouteResult {
  const name = body.text('name');
  return labelJson(name === null ? mailbox.labelBook.get(id) : mailbox.renameLabel(id, name));
}

function relabelled(
  context: RouteContext,
  labels: { add?: readonly string[]; remove?: readonly string[] },
): RouteResult {
  const id = context.mailbox.existing(context.ids[0] ?? '').id;
  context.mailbox.modify([id], labels);
  return summary(context, id);
}

function relabelledThread(
  context: RouteContext,
  labels: { add?: readonly string[]; remove?: readonly string[] },
): RouteResult {
  const ids = threadIds(context);
  context.mailbox.modify(ids, labels);
  return { id: context.ids[0], messages: ids.map((id) => summary(context, id)) };
}

function threadIds({ mailbox, ids: [id = ''] }: RouteContext): string[] {
  const messages = mailbox.thread(id);
  if (messages.length === 0) throw notFound(`thread ${id} of ${mailbox.email}`);
  return messages.map((message) => message.id);
}

/** https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/batchModify: at most 1000 ids */
function batchIds(body: CallBody): readonly string[] {
  const ids = body.texts('ids');
  if (ids.length === 0) throw invalidArgument('No message ids specified');
  if (ids.length > 1_000) throw invalidArgument('Too many message ids specified');
  return ids;
}

function changes(body: CallBody): { add: readonly string[]; remove: readonly string[] } {
  const add = body.texts('addLabelIds');
  const remove = body.texts('removeLabelIds');
  // Gmail sets these two itself: https://developers.google.com/workspace/gmail/api/guides/labels
  for (const id of [...add, ...remove])
    if (id === 'SENT' || id === 'DRAFT') throw invalidArgument(`Invalid label: ${id}`);
  return { add, remove };
}
