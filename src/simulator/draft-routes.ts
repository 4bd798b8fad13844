import { notFound } from './api-error.ts';
import { formatOf } from './message-json.ts';
import { maxResults, type RouteContext, type RouteResult, type RouteTable } from './route.ts';
import { searchFor } from './search-mail.ts';
import { send, summary } from './writing-routes.ts';

/** https://developers.google.com/workspace/gmail/api/guides/drafts */
export const DRAFT_ROUTES: RouteTable = {
  'GET drafts': {
    method: 'drafts.list',
    answer(context) {
      const { mailbox, query } = context;
      const size = maxResults(query, 100, 500);
      const from = Number(query.get('pageToken') ?? 0) || 0;
      const all = draftsFound(context);
      const drafts = all
        .slice(from, from + size)
        .map(([id, messageId]) => ({ id, message: { id: messageId, threadId: mailbox.existing(messageId).threadId } }));
      return {
        ...(drafts.length > 0 ? { drafts } : {}),
        ...(from + size < all.length ? { nextPageToken: String(from + size) } : {}),
        resultSizeEstimate: all.length,
      };
    },
  },
  'GET drafts/*': {
    method: 'drafts.get',
    answer(context) {
      const { mailbox, json, query } = context;
      const [draftId = ''] = context.ids;
      const message = mailbox.existing(draftMessage(context));
      const rendered = json.render(message, message.current, formatOf(query.get('format')));
      return `{"id":${JSON.stringify(draftId)},"message":${rendered}}`;
    },
  },
  'POST drafts': {
    method: 'drafts.create',
    answer: (context) => save(context, `r${context.random.text(19, '0123456789')}`),
  },
  'PUT drafts/*': {
    method: 'drafts.update',
    answer(context) {
      draftMessage(context);
      return save(context, context.ids[0] ?? '');
    },
  },
  'DELETE drafts/*': {
    method: 'drafts.delete',
    answer(context) {
      context.mailbox.delete(draftMessage(context));
      return null;
    },
  },
  'POST drafts/send': {
    method: 'drafts.send',
    answer(context) {
      const { mailbox, body } = context;
      const messageId = draftMessage({ ...context, ids: [body.text('id') ?? ''] });
      const { threadId } = mailbox.existing(messageId);
      const raw = mailbox.existing(messageId).raw();
      const sent = send(context, raw, threadId);
      mailbox.delete(messageId);
      return sent;
    },
  },
};

/** The drafts that `q` finds, or all. */
function draftsFound({ mailbox, query, clock, json, isLenient }: RouteContext): readonly (readonly [string, string])[] {
  const q = query.get('q') ?? '';
  const all = [...mailbox.drafts];
  if (q.trim() === '') return all;
  const search = searchFor(q, mailbox, { now: clock.now(), isLenient });
  return all.filter(([, messageId]) => {
    const message = mailbox.existing(messageId);
    const { internalDate, current } = message;
    return search.matches({ internalDate, labelIds: current.labelIds, parsed: () => json.parsed(message) });
  });
}

function save(context: RouteContext, draftId: string): RouteResult {
  const saved = context.mailbox.saveDraft(draftId, context.body.inner('message').raw());
  return { id: draftId, message: summary(context, saved.id) };
}

function draftMessage({ mailbox, ids: [draftId = ''] }: RouteContext): string {
  const messageId = mailbox.drafts.get(draftId);
  if (messageId === undefined) throw notFound(`draft ${draftId} of ${mailbox.email}`);
  return messageId;
}
