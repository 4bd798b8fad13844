import type { FetchOutcome, GmailSession } from '../gmail/api/gmail-api.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { MessageId } from '../model/ids.ts';
import { inScope } from '../model/settings.ts';
import type { Drift, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import { isOfMailbox, messageRequests, minimalGets } from './batched-gets.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

interface Audited {
  readonly deps: ActivityDependencies<LabelStore>;
  readonly session: GmailSession;
  readonly row: MailboxRow;
  readonly run: ActivityRun;
}

/** Differences that gets have confirmed, and how many more could be neither confirmed nor refuted. */
export type ConfirmedDrift = Pick<Drift, 'extra' | 'differing'> & { readonly unconfirmed: number };

/** The most messages of each kind that are confirmed by a get. An audit of an exact store costs no get. */
const MOST = 100;

/** Milliseconds before gets that were not answered are made again. */
const WAITS = [2_000, 10_000, 30_000];

/** What a get says. A get that was not answered says nothing. */
type Answer =
  { readonly kind: 'message'; readonly message: FetchedMessage } | { readonly kind: 'seems-gone' | 'unreadable' };

/** What an answer says about a difference that the listings show. */
type DriftVerdict = 'confirmed' | 'refuted' | 'undecided';

/**
 * Confirms differences by gets. If a get shows the message as the store holds it, the listing is wrong, not the store,
 * and there is no drift. When there are more differences than {@link MOST}, only that many are checked. The rest counts
 * as drift if gets confirm some of the checked differences and refute none. A single refuted difference discredits the
 * listing: the unchecked rest then stays unconfirmed.
 */
export async function confirmDrift(audited: Audited, { extra, differing }: Drift): Promise<ConfirmedDrift> {
  const extraAnswers = await answersTo(audited, extra.slice(0, MOST));
  const differingAnswers = await answersTo(audited, differing.slice(0, MOST));
  const { id: mailbox, settings } = audited.row;
  const held = await audited.deps.store.labelsOf({ mailbox, messageIds: [...differingAnswers.keys()] });
  const ofExtra = (id: MessageId): DriftVerdict => {
    const answer = extraAnswers.get(id);
    if (answer === undefined) return 'undecided';
    if (answer.kind === 'seems-gone') return 'confirmed';
    return answer.kind === 'message' && !inScope(settings.scope, answer.message) ? 'confirmed' : 'refuted';
  };
  const ofDiffering = (id: MessageId): DriftVerdict => {
    const answer = differingAnswers.get(id);
    // The listings show the message: a 404 contradicts them, and says nothing about labels.
    if (answer?.kind !== 'message') return 'undecided';
    return answer.message.labelIds.toSorted().join() === held.get(id)?.join() ? 'refuted' : 'confirmed';
  };
  const [isExtra, differs] = [judged(extra, ofExtra), judged(differing, ofDiffering)];
  return {
    extra: isExtra.confirmed,
    differing: differs.confirmed,
    unconfirmed: isExtra.unconfirmed + differs.unconfirmed,
  };
}

function judged(
  ids: readonly MessageId[],
  verdictOn: (id: MessageId) => DriftVerdict,
): { readonly confirmed: readonly MessageId[]; readonly unconfirmed: number } {
  const sample = ids.slice(0, MOST).map((id) => ({ id, verdict: verdictOn(id) }));
  const rest = ids.slice(MOST);
  const confirmed = sample.filter(({ verdict }) => verdict === 'confirmed').map(({ id }) => id);
  const undecided = sample.filter(({ verdict }) => verdict === 'undecided').length;
  const isRepresentative = confirmed.length > 0 && sample.every(({ verdict }) => verdict !== 'refuted');
  return isRepresentative
    ? { confirmed: [...confirmed, ...rest], unconfirmed: undecided }
    : { confirmed, unconfirmed: undecided + rest.length };
}

/** Gets messages, and repeats the gets that were not answered. */
async function answersTo(audited: Audited, ids: readonly MessageId[]): Promise<ReadonlyMap<MessageId, Answer>> {
  const answers = new Map<MessageId, Answer>();
  for (const wait of [0, ...WAITS]) {
    const unanswered = ids.filter((id) => !answers.has(id));
    if (unanswered.length === 0) break;
    if (wait > 0) await audited.deps.clock.sleep(wait, audited.run.signal);
    for (const [id, answer] of await get(audited, unanswered)) answers.set(id, answer);
  }
  return answers;
}

async function get({ session, run }: Audited, ids: readonly MessageId[]): Promise<ReadonlyMap<MessageId, Answer>> {
  const answers = new Map<MessageId, Answer>();
  for await (const answered of minimalGets(session, messageRequests(ids), run.signal)) {
    for (const { request, outcome } of answered) {
      const answer = answerIn(outcome, request.id);
      if (answer !== null) answers.set(request.id, answer);
    }
  }
  return answers;
}

/** null for a get that was not answered. @throws {GmailError} for a failure that is about the mailbox */
function answerIn(outcome: FetchOutcome, id: MessageId): Answer | null {
  if (outcome.kind === 'fetched') {
    const message = outcome.messages.find((one) => one.id === id);
    if (message !== undefined) return { kind: 'message', message };
    return outcome.unreadable.has(id) ? { kind: 'unreadable' } : null;
  }
  const { failure } = outcome.error;
  if (failure.kind === 'not-found') return { kind: 'seems-gone' };
  // A rate limit passes while the audit waits, so the get only counts as not answered.
  if (failure.kind !== 'rate-limited' && isOfMailbox(failure)) throw outcome.error;
  return null;
}
