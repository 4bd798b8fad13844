import { LAST_MOMENT } from '../model/date-range.ts';
import { historyId, InvalidIdError, mailboxId, type MailboxId } from '../model/ids.ts';
import { isObject } from '../model/json-object.ts';
import { changeSettings, InvalidSettingsError } from '../model/settings-change.ts';
import { DEFAULT_SETTINGS } from '../model/settings.ts';
import { storeMarkIn } from '../model/store-identity.ts';
import { EVENT_KINDS, type NotedEvent } from '../model/subscribed-event.ts';
import type { QuotaUse, WatchResult } from '../activities/requests.ts';
import type { BlockCause } from './blocked.ts';
import type { DeliveryState, WaitingDelivery } from './delivery-state.ts';
import type { FullSyncReason, MailboxState } from './mailbox-state.ts';
import type { PushState } from './push-state.ts';

// A renamed mailbox's first run gets a carried state from a client, and so does a run that somebody starts by hand. A
// state with a wrong number or without a field would make the workflow task fail, and again at each attempt. Pure.

type Check = (value: unknown) => boolean;

/** Nothing is due later: the longest interval of the settings is a year. Temporal refuses timers that are too long. */
const LATEST_DUE = 400 * 24 * 60 * 60_000;
/** Characters of a state as JSON: continue-as-new must carry it on, and Temporal limits a payload to 2 MB. */
const LARGEST = 500_000;

/**
 * Whether a mailbox can go on with a state that a client has handed over. Fields that earlier builds did not have may
 * be absent, and fields of later builds are not looked at.
 *
 * @param now - epoch ms
 */
export function isWholeState(value: unknown, mailbox: MailboxId, now: number): value is MailboxState {
  return isState(mailbox, now)(value) && JSON.stringify(value).length <= LARGEST;
}

const isText: Check = (value) => typeof value === 'string';
const isFlag: Check = (value) => typeof value === 'boolean';
const isNumber: Check = (value) => Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isTime: Check = (value) => isNumber(value) && Math.abs(Number(value)) <= LAST_MOMENT;
const isOneOf =
  (words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const isListOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** All fields of a type, each with its check. */
const hasShape =
  <Shape extends object>(fields: Readonly<Record<keyof Shape, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries<Check>(fields).every(([name, check]) => check(value[name]));

/** Whether something is made, and not refused by the error that is expected. */
function isMade(make: () => unknown, refusal: new (message: string) => Error): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof refusal) return false;
    throw error;
  }
}

const isHistoryId: Check = (value) => typeof value === 'string' && isMade(() => historyId(value), InvalidIdError);
const isMailboxId: Check = (value) => typeof value === 'string' && isMade(() => mailboxId(value), InvalidIdError);
const isChange: Check = (value) =>
  isObject(value) &&
  isMade(() => changeSettings(DEFAULT_SETTINGS, Object.fromEntries(Object.entries(value))), InvalidSettingsError);
/** Settings that some recorded states lack: the first builds did not know them. */
const ADDED: readonly string[] = ['attachments', 'push'];
const hasNames = (value: unknown, names: readonly string[]): value is object =>
  isObject(value) && names.every((name) => name in value);
/** A later build has settings that this one does not know. */
const isSettings: Check = (value) =>
  hasNames(
    value,
    Object.keys(DEFAULT_SETTINGS).filter((name) => !ADDED.includes(name)),
  ) &&
  isChange(Object.fromEntries(Object.entries(value).filter(([name]) => name in DEFAULT_SETTINGS))) &&
  'scope' in value &&
  hasNames(value.scope, Object.keys(DEFAULT_SETTINGS.scope));

const REASONS: Readonly<Record<FullSyncReason, true>> = {
  initial: true,
  expired: true,
  forced: true,
  settings: true,
  interrupted: true,
  doubted: true,
};
const CAUSES: Readonly<Record<BlockCause, true>> = { consent: true, credentials: true, refusal: true };

const isFullSync: Check = (value) => {
  if (!isObject(value)) return false;
  const { kind, reason, resync } = value;
  if (kind === 'unknown') return isFlag(resync);
  return kind === 'listing' ? isOneOf(Object.keys(REASONS))(reason) : isOneOf(['fetching', 'done'])(kind);
};

const isNumbers = hasShape<MailboxState['retries']>({ requested: isCount, served: isCount });
const isToldError = hasShape<NonNullable<MailboxState['lastError']>>({
  message: isText,
  at: isTime,
  of: orAbsent(isText),
  mendedAt: orAbsent(orNull(isTime)),
  remedy: orAbsent(isObject),
});
const isQuota = hasShape<QuotaUse>({
  units: isNumber,
  rejected: isNumber,
  unitsLeft: isNumber,
  unitsPerMinute: isNumber,
  lastMinute: isNumber,
  finishAt: orNull(isTime),
});
const isEvent = hasShape<NotedEvent>({
  id: isText,
  at: isTime,
  details: (value) => isObject(value) && isOneOf(EVENT_KINDS)(value['kind']),
});
const isAwaited = hasShape<MailboxState['events']['awaited']>({ recovered: isFlag, inSync: isFlag });

/** Each field of a state, as the newest build writes it and as earlier ones did. */
function isState(mailbox: MailboxId, now: number): Check {
  // A time in the past is a long delay where the workflow waits as long again.
  const isDue: Check = (value) => isTime(value) && Number(value) >= 0 && Number(value) <= now + LATEST_DUE;
  const isDelivering = isDeliveryState(isDue);
  return hasShape<MailboxState>({
    mailbox: (value) => value === mailbox,
    settings: isSettings,
    named: orAbsent(orNull(isChange)),
    store: orAbsent(orNull((value) => storeMarkIn(value) !== null)),
    historyId: orNull(isHistoryId),
    generation: isCount,
    fullSync: isFullSync,
    completedGeneration: isCount,
    paused: isFlag,
    stopping: isFlag,
    blocked: orNull(isBlockedState(isDue)),
    rateLimited: orNull(hasShape<NonNullable<MailboxState['rateLimited']>>({ until: isTime, message: isText })),
    syncs: hasShape<MailboxState['syncs']>({ requested: isCount, started: isCount, served: isCount }),
    pokedAt: orAbsent(hasShape<MailboxState['pokedAt']>({ waiting: orNull(isTime), serving: orNull(isTime) })),
    retries: isNumbers,
    audits: orAbsent(isNumbers),
    nextAuditAt: orAbsent(orNull(isDue)),
    deliveries: orAbsent(isDelivering),
    webhooks: orAbsent(isDelivering),
    events: orAbsent(isEventsState(isDue)),
    drift: orAbsent(orNull(isCount)),
    push: orAbsent(isPushState(isDue)),
    rereadAt: orAbsent(orNull(isDue)),
    nextPartialSyncAt: isDue,
    nextSliceAt: orNull(isDue),
    heldUntil: orAbsent(orNull(isTime)),
    pending: isCount,
    failed: isCount,
    stored: isCount,
    quota: orAbsent(orNull(isQuota)),
    clockSkew: orAbsent(orNull(isNumber)),
    gmailClockSkew: orAbsent(orNull(isNumber)),
    phaseSince: isTime,
    syncedAt: orNull(isTime),
    lastError: orNull(isToldError),
    counters: hasShape<MailboxState['counters']>({
      partialSyncs: isCount,
      fullSyncs: isCount,
      recoveries: isCount,
      pokes: isCount,
    }),
  });
}

const isBlockedState = (isDue: Check): Check =>
  hasShape<NonNullable<MailboxState['blocked']>>({
    kind: isOneOf(['needs-consent', 'failed']),
    message: isText,
    remedy: orAbsent(isObject),
    cause: orAbsent(isOneOf(Object.keys(CAUSES))),
    lane: orAbsent(isOneOf(['live', 'backfill'])),
    since: orAbsent(isTime),
    asks: orAbsent(isCount),
    retryAt: orAbsent(isDue),
  });

const isDeliveryState = (isDue: Check): Check =>
  hasShape<DeliveryState>({
    requested: isCount,
    started: isCount,
    nextAt: orNull(isDue),
    waiting: isListOf(
      hasShape<WaitingDelivery>({
        subscription: isText,
        why: isOneOf(['failing', 'no-handler', 'busy']),
        since: isTime,
        until: isTime,
      }),
    ),
    waits: isCount,
    listening: orAbsent(isFlag),
    fruitless: orAbsent(isCount),
    wantedUpTo: orAbsent(isCount),
    seen: orAbsent(isCount),
  });

const isEventsState = (isDue: Check): Check =>
  hasShape<MailboxState['events']>({
    pending: orAbsent(isListOf(isEvent)),
    noticed: orAbsent(isCount),
    asksConsent: orAbsent(isFlag),
    awaited: orAbsent(isAwaited),
    retryAt: orAbsent(orNull(isDue)),
  });

const isPushState = (isDue: Check): Check =>
  hasShape<PushState>({
    watch: orNull(
      hasShape<WatchResult>({
        renewedAt: isDue,
        renewAt: isDue,
        expiration: isDue,
        renewIn: orAbsent(isNumber),
        renewedAgo: orAbsent(isNumber),
        isRenewed: isFlag,
      }),
    ),
    notifiedAt: orNull(isTime),
    isMissing: isFlag,
    quietSince: isDue,
    told: orNull(
      hasShape<NonNullable<PushState['told']>>({
        sync: isCount,
        historyId: isHistoryId,
        rereadAt: orAbsent(orNull(isTime)),
      }),
    ),
    echo: orNull(isHistoryId),
    announces: orAbsent(isFlag),
    address: orAbsent(orNull(isMailboxId)),
  });
