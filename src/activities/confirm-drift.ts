import { MAX_BATCH, type GmailSession } from '../gmail/api/gmail-api.ts';
import type { FetchedMessage } from '../model/change.ts';
import type { MessageId } from '../model/ids.ts';
import { inScope } from '../model/settings.ts';
import type { Drift, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';

interface Audited {
  readonly deps: ActivityDependencies<LabelStore>;
  readonly session: GmailSession;
  readonly row: MailboxRow;
  readonly run: ActivityRun;
}

/** The most messages of each kind that are confirmed by a get. An audit of an exact store costs no get. */
const MOST = 100;

/**
 * Confirms differences by gets. If a get shows the message as the store holds it, the listing is wrong, not the store,
 * and there is no drift. When there are more than {@link MOST}, only a sample is asked for: one message that exists
 * after all discredits the listing, and the unasked rest is not called drift either.
 */
export async function confirmDrift(
  audited: Audited,
  { extra, differing }: Drift,
): Promise<Pick<Drift, 'extra' | 'differing'>> {
  const [extraThere, differingThere] = [
    await read(audited, extra.slice(0, MOST)),
    await read(audited, differing.slice(0, MOST)),
  ];
  const held = await audited.deps.store.labelsOf({ mailbox: audited.row.id, messageIds: [...differingThere.keys()] });
  const isThere = (id: MessageId): boolean => {
    const message = extraThere.get(id);
    return message !== undefined && inScope(audited.row.settings.scope, message);
  };
  const isAsHeld = (id: MessageId): boolean => {
    const message = differingThere.get(id);
    return message !== undefined && message.labelIds.toSorted().join() === held.get(id)?.join();
  };
  return { extra: confirmed(extra, isThere), differing: confirmed(differing, isAsHeld) };
}

function confirmed(ids: readonly MessageId[], isRefuted: (id: MessageId) => boolean): readonly MessageId[] {
  const asked = ids.slice(0, MOST).filter((id) => !isRefuted(id));
  return ids.length > MOST && asked.length === MOST ? ids : asked;
}

async function read(
  { session, run }: Audited,
  ids: readonly MessageId[],
): Promise<ReadonlyMap<MessageId, FetchedMessage>> {
  const fetched = new Map<MessageId, FetchedMessage>();
  for (let from = 0; from < ids.length; from += MAX_BATCH) {
    const requests = ids.slice(from, from + MAX_BATCH).map((id) => ({ kind: 'message', id }) as const);
    for (const outcome of await session.batchGet(requests, 'minimal', run.signal)) {
      if (outcome.kind === 'fetched') for (const message of outcome.messages) fetched.set(message.id, message);
    }
  }
  return fetched;
}
