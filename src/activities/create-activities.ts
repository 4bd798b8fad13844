import type { Reference } from '../model/clock-skew.ts';
import type { MailboxId } from '../model/ids.ts';
import type { StoreMark } from '../model/store-identity.ts';
import type { MailboxAccounts } from '../store/mailboxes/mailbox-accounts.ts';
import type { MailboxRegistry } from '../store/mailboxes/mailbox-registry.ts';
import type { SpentUnits } from '../store/mailboxes/spent-units.ts';
import type { FetchingStore } from '../store/fetching/fetching-store.ts';
import type { WorkStore } from '../store/fetching/work-store.ts';
import type { ListingStore } from '../store/listing/listing-store.ts';
import type { LabelStore } from '../store/listing/label-store.ts';
import type { HistoryStore } from '../store/history/history-store.ts';
import type { AuditStore } from '../store/audits/audit-store.ts';
import { audit } from './audit.ts';
import type { ActivityDependencies, ActivityRun } from './dependencies.ts';
import type { DeliveryDependencies } from '../deliveries/deliver-changes.ts';
import { deliver } from './deliver.ts';
import { createFetchSlice } from './fetch-slice.ts';
import { fullSync, recover } from './full-sync.ts';
import { createLook } from './look-for-changes.ts';
import { noteEvents } from './note-events.ts';
import { openMailbox } from './open-mailbox.ts';
import { partialSync } from './partial-sync.ts';
import type { EventStore } from '../store/subscriptions/event-store.ts';
import type { DeliveryStore, DueDelivery } from '../store/subscriptions/delivery-store.ts';
import type { KnownStore, MailboxActivities, OfWorker, SyncActivities } from './requests.ts';
import { runActivity } from './run-activity.ts';
import { stopWatch } from './watch.ts';

/** What a worker's activities use together. Each activity declares which roles of the store it needs. */
export type WorkerDependencies = ActivityDependencies<
  MailboxRegistry &
    MailboxAccounts &
    ListingStore &
    LabelStore &
    FetchingStore &
    WorkStore &
    HistoryStore &
    AuditStore &
    SpentUnits &
    DeliveryStore &
    EventStore
>;

/** The activities as a worker registers them: plain functions over `deps`, wrapped by {@link runActivity}. */
export function createActivities(deps: WorkerDependencies): SyncActivities {
  const wrapped =
    <Request extends OfMailbox, Result>(
      name: keyof SyncActivities,
      activity: (deps: WorkerDependencies, request: Request, run: ActivityRun, database: StoreMark) => Promise<Result>,
    ) =>
    (request: Request): Promise<Result> =>
      runActivity(deps, { ...request, name }, (run, database) => activity(deps, request, run, database));
  /** Wraps an activity whose result the workflow keeps, and adds what the result says about the worker. */
  const reporting = <Request extends OfMailbox, Result extends OfWorker>(
    name: keyof SyncActivities,
    activity: (deps: WorkerDependencies, request: Request, run: ActivityRun) => Promise<Result>,
  ) =>
    wrapped(name, async (given, request: Request, run, { id, place }): Promise<Result> => ({
      ...(await activity(given, request, run)),
      ...skewOf(given),
      ...(await deliverableOf(given, request.mailbox)),
      store: { id, place },
    }));
  return {
    openMailbox: reporting('openMailbox', openMailbox),
    fullSync: reporting('fullSync', fullSync),
    recover: reporting('recover', recover),
    fetchSlice: reporting('fetchSlice', createFetchSlice()),
    partialSync: reporting('partialSync', partialSync),
    lookForChanges: reporting('lookForChanges', createLook()),
    audit: reporting('audit', audit),
    noteEvents: reporting('noteEvents', noteEvents),
    stopWatch: wrapped('stopWatch', stopWatch),
  };
}

/** The activity of the queue of deliveries. */
export function createDeliveryActivities(
  deps: ActivityDependencies<MailboxRegistry>,
  deliveries: DeliveryDependencies,
): Pick<MailboxActivities, 'deliver'> {
  return {
    deliver: (request) =>
      runActivity(deps, { ...request, name: 'deliver' }, async (run) => ({
        ...(await deliver(deps, deliveries, request, run)),
        ...skewOf(deps),
      })),
  };
}

/**
 * Whether the mailbox has changes that subscriptions wait for, whether subscriptions wait for later changes, and when
 * the next attempt is due. Without subscriptions, this costs one small read.
 */
export async function deliverableOf(
  { store, clock }: Pick<WorkerDependencies, 'store' | 'clock'>,
  mailbox: MailboxId,
): Promise<OfWorker> {
  const now = clock.now();
  const { due, listening, waiting, upTo } = await store.findDeliveries({ mailbox, now });
  const nextIn = (kind: DueDelivery['target']): number | null => {
    const times = waiting.filter(({ target }) => target === kind).map(({ until }) => until - now);
    return times.length === 0 ? null : Math.min(...times);
  };
  const [handlerIn, webhookIn] = [nextIn('handler'), nextIn('webhook')];
  const has = (kind: DueDelivery['target']): boolean => due.some(({ target }) => target === kind);
  return {
    ...(has('handler') ? { deliverable: true } : {}),
    ...(has('webhook') ? { webhooks: true } : {}),
    ...(due.length > 0 && upTo !== null ? { deliverableUpTo: upTo } : {}),
    ...(listening.length > 0 ? { listening } : {}),
    ...(handlerIn === null ? {} : { handlerIn }),
    ...(webhookIn === null ? {} : { webhookIn }),
  };
}

/** What every request names. */
type OfMailbox = KnownStore & { readonly mailbox: MailboxId };

/** A skew below this (ms) is not reported. Gmail cuts its times to the second. */
const LEAST_SKEW = { temporal: 1_000, gmail: 2_000 } as const satisfies Record<Reference, number>;

function skewOf({ skew }: Pick<WorkerDependencies, 'skew'>): OfWorker {
  const ahead = (of: Reference): number | null => {
    const measured = skew?.ahead(of) ?? 0;
    return Math.abs(measured) < LEAST_SKEW[of] ? null : Math.round(measured);
  };
  const [clockSkew, gmailClockSkew] = [ahead('temporal'), ahead('gmail')];
  return {
    ...(clockSkew === null ? {} : { clockSkew }),
    ...(gmailClockSkew === null ? {} : { gmailClockSkew }),
  };
}
