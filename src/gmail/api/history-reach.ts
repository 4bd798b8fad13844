import { compareHistoryIds, historyId, type HistoryId, type MailboxId } from '../../model/ids.ts';
import { gmailError } from './classify.ts';
import type { FetchOutcome, GmailApi, HistoryPage } from './gmail-api.ts';
import type { GmailError } from './gmail-error.ts';

/**
 * A mailbox's history ids grow by some tens a change. No mailbox gets this far between two answers, even if years lie
 * between them.
 */
const REACH = 2n ** 40n;

/**
 * Refuses answers with a history id that the mailbox cannot have reached yet. Such an id would stay newer than all that
 * follow: later changes of its message, or of the whole mailbox, would be taken for known. A refused answer is
 * malformed, so it is asked for again.
 *
 * @param reached - a history id that the mailbox is known to have reached; null before its first full sync, whose first
 * answer about the mailbox then counts as known
 */
export function withinReach(
  api: GmailApi,
  { mailbox, reached }: { readonly mailbox: MailboxId; readonly reached: HistoryId | null },
): GmailApi {
  let end = reached === null ? null : endOfReach(reached);
  const isFar = (id: HistoryId): boolean => end !== null && compareHistoryIds(id, end) > 0;
  const near = <Answer extends { readonly historyId: HistoryId }>(method: JudgedMethod, answer: Answer): Answer => {
    if (isFar(answer.historyId)) throw tooFar(mailbox, method);
    end ??= endOfReach(answer.historyId);
    return answer;
  };
  return {
    ...api,
    getProfile: async (signal) => near('getProfile', await api.getProfile(signal)),
    watch: async (request, signal) => near('watch', await api.watch(request, signal)),
    listHistory: async (query, signal): Promise<HistoryPage> => {
      const page = near('history.list', await api.listHistory(query, signal));
      if (page.records.some(({ id }) => isFar(id))) throw tooFar(mailbox, 'history.list');
      // Google does not document how Gmail answers a start that the mailbox has not reached.
      if (compareHistoryIds(query.startHistoryId, endOfReach(page.historyId)) > 0)
        throw gmailError(mailbox, 'history.list', { kind: 'history-expired' });
      return page;
    },
    batchGet: async (requests, format, signal) =>
      (await api.batchGet(requests, format, signal)).map((outcome) => nearOutcome(mailbox, isFar, outcome)),
  };
}

const endOfReach = (reached: HistoryId): HistoryId => historyId(String(BigInt(reached) + REACH));

type JudgedMethod = 'getProfile' | 'history.list' | 'watch' | 'messages.get' | 'threads.get';

function tooFar(mailbox: MailboxId, method: JudgedMethod): GmailError {
  const detail = 'its historyId is far ahead of the mailbox';
  return gmailError(mailbox, method, { kind: 'unavailable', status: 200, detail });
}

/**
 * The get of a message with an id too far ahead fails. In a thread, such a message is unreadable, which costs the
 * others nothing.
 */
function nearOutcome(mailbox: MailboxId, isFar: (id: HistoryId) => boolean, outcome: FetchOutcome): FetchOutcome {
  if (outcome.kind === 'failed') return outcome;
  const far = outcome.messages.filter((message) => isFar(message.historyId));
  if (far.length === 0) return outcome;
  const { request, messages, unreadable } = outcome;
  if (request.kind === 'message') return { kind: 'failed', request, error: tooFar(mailbox, 'messages.get') };
  const error = tooFar(mailbox, 'threads.get');
  return {
    ...outcome,
    messages: messages.filter((message) => !isFar(message.historyId)),
    unreadable: new Map([...unreadable, ...far.map(({ id }) => [id, error] as const)]),
  };
}
