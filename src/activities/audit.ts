import type { GmailSession } from '../gmail/api/gmail-api.ts';
import { labelListing, listings } from '../gmail/api/scope-listings.ts';
import type { MailboxId, MessageId } from '../model/ids.ts';
import { earlyReadingsDue } from '../store/rows/early-due.ts';
import type { AuditResult, Drift, MailboxRow } from '../store/rows/mailbox-row.ts';
import type { AuditStore } from '../store/audits/audit-store.ts';
import { confirmDrift } from './confirm-drift.ts';
import { sessionFor, type ActivityDependencies, type ActivityRun } from './dependencies.ts';
import { knownMailbox } from './known-mailbox.ts';
import { labelsToList, pagesOf } from './list-ids.ts';
import { relist } from './relist.ts';
import type { RelistingRoles } from './relisting-reach.ts';
import { followHistoryOnly, type HistoryRoles } from './partial-sync.ts';
import type { AuditActivityResult, AuditRequest } from './requests.ts';
import { SETTLING_TIME } from './settling.ts';

type AuditRoles = AuditStore & HistoryRoles & RelistingRoles;

/** Ms after the read of a mark at which Gmail's list index shows everything up to that mark. */
const INDEX_LAG = 10_000;
/** The most differences of each kind that are kept. A store with more needs a resync anyway. */
const MOST = 10_000;
const EXAMPLES = 10;

/**
 * Compares ids and labels at Gmail with the store, by listings: 5 units per 500 ids, and per 500 ids of each label.
 *
 * History is followed before and after the listings, so messages that changed meanwhile have a newer history id and are
 * skipped. Some differences are none: a page token shifted, or a history record appeared after its listing. They
 * disappear in a second comparison, made after history has settled. What differs both times is drift. The audit repairs
 * nothing; a resync does.
 */
export async function audit(
  deps: ActivityDependencies<AuditRoles>,
  request: AuditRequest,
  run: ActivityRun,
): Promise<AuditActivityResult> {
  const { store, clock } = deps;
  const { mailbox } = request;
  const row = await knownMailbox(deps, mailbox);
  const session = await deps.openSession({ mailbox, lane: 'backfill', ...sessionFor(request, run) });
  const startedAt = clock.now();
  try {
    await earlyReadingsSettled(deps, row, run);
    await relistIfDue(deps, session, mailbox, run);
    let found = await compare(deps, session, row, run);
    if (sizeOf(found) > 0) {
      await clock.sleep(SETTLING_TIME, run.signal);
      const again = await compare(deps, session, row, run);
      found = { ...again, ...inBoth(found, again) };
    }
    const { missing, checked } = found;
    const { extra, differing, unconfirmed } = await confirmDrift({ deps, session, row, run }, found);
    const examples = {
      missing: missing.slice(0, EXAMPLES),
      extra: extra.slice(0, EXAMPLES),
      differing: differing.slice(0, EXAMPLES),
    };
    const result: AuditResult = {
      startedAt,
      finishedAt: clock.now(),
      checked,
      missing: missing.length,
      extra: extra.length,
      differing: differing.length,
      unconfirmed,
      examples,
    };
    await store.saveAudit({ mailbox, audit: found.audit, result });
    return {
      drift: sizeOf({ missing, extra, differing }),
      ...(request.audit === undefined ? {} : { audit: request.audit }),
    };
  } finally {
    await session.flush();
  }
}

/** Waits until history has settled the messages that were fetched in the first seconds of a first full sync. */
async function earlyReadingsSettled(
  { clock }: Pick<ActivityDependencies<unknown>, 'clock'>,
  { fullSync }: MailboxRow,
  run: ActivityRun,
): Promise<void> {
  const due = fullSync === null ? null : earlyReadingsDue(fullSync);
  if (due !== null) await clock.sleep(Math.max(0, due - clock.now()), run.signal);
}

/**
 * Makes the relisting before the audit, if it is due within half a minute. Otherwise `fetchSlice` makes it, but the
 * audit occupies its lane. Messages that it finds become pending. While a doubt lasts, the relisting is due minutes or
 * days later; the audit does not wait for that.
 */
async function relistIfDue(
  deps: ActivityDependencies<AuditRoles>,
  session: GmailSession,
  mailbox: MailboxId,
  run: ActivityRun,
): Promise<void> {
  const { store, clock } = deps;
  const relistAt = (await store.getMailbox(mailbox))?.relistAt ?? null;
  if (relistAt === null || relistAt > clock.now() + SETTLING_TIME) return;
  await clock.sleep(Math.max(0, relistAt - clock.now()), run.signal);
  const row = await store.getMailbox(mailbox);
  if (row !== null) await relist(deps, session, row, run);
}

type Comparison = Drift & { readonly audit: number; readonly checked: number };

async function compare(
  deps: ActivityDependencies<AuditRoles>,
  session: GmailSession,
  row: MailboxRow,
  run: ActivityRun,
): Promise<Comparison> {
  const { store, clock } = deps;
  const { id: mailbox, settings } = row;
  const { historyId: since } = await followHistoryOnly(deps, { mailbox, historyId: null }, run);
  await clock.sleep(INDEX_LAG, run.signal);
  const auditNumber = clock.now();
  await store.beginAudit({ mailbox, audit: auditNumber });
  let listed = 0;
  const save = async (
    labelId: Parameters<typeof store.saveAuditPage>[0]['labelId'],
    messages: readonly { id: MessageId }[],
  ): Promise<void> => {
    await store.saveAuditPage({ mailbox, audit: auditNumber, labelId, messageIds: messages.map(({ id }) => id) });
    listed += messages.length;
    run.progress({ step: 'audit', listed });
  };
  for (const query of listings(settings.scope)) {
    for await (const messages of pagesOf(session, query, run.signal)) {
      await save(null, messages);
      for (const label of query.labelIds ?? []) await save(label, messages);
    }
  }
  const named = (await session.listLabels(run.signal)).map(({ id }) => id);
  const carried = [...new Set([...named, ...(await store.heldLabelIds(mailbox))])];
  for (const id of labelsToList(settings.scope, carried)) {
    for await (const messages of pagesOf(session, labelListing(settings.scope, id), run.signal)) {
      await save(id, messages);
      // A message that any listing shows exists, even if another listing omits it.
      if (settings.scope.labelIds.length === 0) await save(null, messages);
    }
  }
  await followHistoryOnly(deps, { mailbox, historyId: null }, run);
  const drift = await store.compareAudit({ mailbox, audit: auditNumber, since, limit: MOST });
  // With a limit, messages beyond it are listed but not held.
  return { ...drift, missing: settings.scope.limit === null ? drift.missing : [], audit: auditNumber };
}

const sizeOf = ({ missing, extra, differing }: Drift): number => missing.length + extra.length + differing.length;

function inBoth(first: Drift, second: Drift): Drift {
  const common = (a: readonly MessageId[], b: readonly MessageId[]): MessageId[] => {
    const known = new Set(a);
    return b.filter((id) => known.has(id));
  };
  return {
    missing: common(first.missing, second.missing),
    extra: common(first.extra, second.extra),
    differing: common(first.differing, second.differing),
  };
}
