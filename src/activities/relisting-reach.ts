import type { GmailSession, MessagePage } from '../gmail/api/gmail-api.ts';
import { GmailError } from '../gmail/api/gmail-error.ts';
import type { HistoryId, MessageId } from '../model/ids.ts';
import { listsSeveralLabels } from '../model/settings.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { ListingStore } from '../store/listing/listing-store.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { MailboxRow } from '../store/rows/mailbox-row.ts';
import { datesByGets } from './dates-by-gets.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import { PATIENCE } from './listed-dates.ts';
import { RelistingFloor } from './relisting-floor.ts';
import { RelistingLimit } from './relisting-limit.ts';
import { vanishedSince } from './vanished.ts';

type Page = MessagePage['messages'];

/** How far down one listing a relisting goes. */
export interface RelistingReach {
  /** Whether everything further down is beyond the scope's limit. */
  readonly isOver: boolean;
  /** Whether what it lets in counts as within the limit. If not, the date decides once the message is read. */
  readonly admits: boolean;
  /** @returns the messages of this page that are let in */
  take(page: Page): Promise<Page>;
  /** Call after the last page. */
  end(): Promise<void>;
}

/** What a relisting uses of the store. */
export type RelistingRoles = MailboxRegistry & FetchingStore & Pick<ListingStore, 'limitEdge'>;

/** A relisting, and the history id (`since`) up to which the index shows everything. */
export interface Relisted {
  readonly deps: ActivityDependencies<RelistingRoles>;
  readonly session: GmailSession;
  readonly row: MailboxRow;
  readonly since: HistoryId | null;
  readonly run: ActivityRun;
}

const WHOLE: RelistingReach = {
  isOver: false,
  admits: true,
  take: (page) => Promise.resolve(page),
  end: () => Promise.resolve(),
};

/** Returns a function that makes the reach of each listing of the scope. */
export async function reaches(relisted: Relisted): Promise<() => RelistingReach> {
  const { deps, row } = relisted;
  const { scope } = row.settings;
  const { limit } = scope;
  if (limit === null) return () => WHOLE;
  const { floor } = await deps.store.limitEdge({ mailbox: row.id, generation: row.generation });
  if (floor !== null && !listsSeveralLabels(scope)) return () => toFloor(relisted, floor);
  const entered = await enteredSinceListing(relisted);
  return () => toLimit(relisted, new RelistingLimit(limit, entered));
}

function toFloor({ deps, session, row, run }: Relisted, floor: number): RelistingReach {
  const waitsUntil = (row.relistAt ?? 0) + PATIENCE;
  const reach = new RelistingFloor({ deps, session, run }, { mailbox: row.id, floor, waitsUntil });
  return {
    get isOver() {
      return reach.isOver;
    },
    admits: false,
    take: async (page) => await reach.take(page, await admissions(deps, row, page)),
    end: () => Promise.resolve(),
  };
}

function toLimit({ deps, session, row, run }: Relisted, reach: RelistingLimit): RelistingReach {
  return {
    get isOver() {
      return reach.leavesOut;
    },
    admits: true,
    take: async (page) => reach.take(page, await admissions(deps, row, page)),
    // The first listing may have seemed to show less than the limit because Gmail left messages out.
    end: async () => {
      const hasSeveralLabels = listsSeveralLabels(row.settings.scope);
      // Of several labels, another may not be full.
      if (!reach.leavesOut && (hasSeveralLabels || !reach.isFull)) return;
      const floor = hasSeveralLabels ? null : await dateOf({ deps, session, row, run }, reach.last);
      await deps.store.noteLimitReached({ mailbox: row.id, generation: row.generation, floor, now: deps.clock.now() });
    },
  };
}

const admissions = ({ store }: Relisted['deps'], { id: mailbox }: MailboxRow, page: Page) =>
  store.admissionsOf({ mailbox, messageIds: page.map(({ id }) => id) });

async function dateOf(
  { deps, session, row, run }: Omit<Relisted, 'since'>,
  message: MessageId | null,
): Promise<number | null> {
  if (message === null) return null;
  const known = (await deps.store.admissionsOf({ mailbox: row.id, messageIds: [message] })).get(message)?.internalDate;
  if (known !== undefined && known !== null) return known;
  const dating = (await datesByGets({ deps, session, run }, [message])).get(message);
  return dating?.kind === 'dated' ? dating.internalDate : null;
}

/**
 * What has entered the scope since the first listing, whose places the limit goes by. It may be long ago: a relisting
 * is put off while Gmail refuses it. If history no longer goes back so far, what has entered since the mark.
 */
async function enteredSinceListing({
  session,
  row: { settings, fullSync },
  since,
  run,
}: Relisted): Promise<ReadonlySet<MessageId>> {
  if (since === null) return new Set();
  const listed = fullSync?.startHistoryId ?? since;
  try {
    return (await vanishedSince(session, { since: listed }, settings.scope, run.signal)).entered;
  } catch (error) {
    const isExpired = error instanceof GmailError && error.failure.kind === 'history-expired';
    if (!isExpired || listed === since) throw error;
    return (await vanishedSince(session, { since }, settings.scope, run.signal)).entered;
  }
}
