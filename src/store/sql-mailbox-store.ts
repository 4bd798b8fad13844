import { askForAccountSoon, sampleMessages, saveAccount, type MailboxAccounts } from './mailboxes/mailbox-accounts.ts';
import { beginAudit, compareAudit, saveAudit, saveAuditPage } from './audits/audits.ts';
import { Bodies } from './bodies/bodies.ts';
import { refetchLost, type LostBodies } from './fetching/lost-bodies.ts';
import type { BodyOptions } from './bodies/open-body-store.ts';
import { sweepBodies, type BodySweeper } from './bodies/sweep-bodies.ts';
import { admissionsOf } from './fetching/admissions.ts';
import { addListedLate, saveFailedFetches, saveFetched } from './fetching/fetching.ts';
import { correctTimes } from './fetching/far-times.ts';
import { finishListing } from './listing/finish-listing.ts';
import { limitEdge, listedFrom } from './listing/known-to-limit.ts';
import { beginFullSync } from './listing/begin-full-sync.ts';
import { listSeen, saveLabelListingPage, saveListingPage } from './listing/listing-pages.ts';
import { saveProgress } from './listing/listing-progress.ts';
import { checkSchema } from './engines/check-schema.ts';
import { dropBuriedBodies, type BuriedBodies } from './removal/buried-bodies.ts';
import { listEarlyReadings, settleEarlyReadings } from './history/early-readings.ts';
import {
  getLabels,
  heldLabelIds,
  keepLabel,
  knowsLabels,
  labelsOf,
  readAgainWithout,
  removeLabel,
  saveLabels,
} from './listing/label-rows.ts';
import { storeIdentity } from './mailboxes/read-identity.ts';
import { addUsage, getLedger, getUsage, unitsOfDay, updateLedger, type SpentUnits } from './mailboxes/spent-units.ts';
import {
  getMailbox,
  listMailboxes,
  noteCondition,
  noteLimitReached,
  putMailbox,
  saveDoubt,
  saveWatch,
  setRelistAt,
} from './mailboxes/registry.ts';
import type { QuotaLedger } from '../model/quota-ledger.ts';
import type { MailboxStore, StoreLife } from './mailbox-store.ts';
import { applyHistory } from './history/apply-history.ts';
import { listFailed, listLacking, nextAttemptAt, nextPending, nextRefresh } from './fetching/pending-work.ts';
import { beginRemoval, finishRemovals, type MailboxRemoval } from './removal/mailbox-removal.ts';
import { describeStored, type StoredMailDescriber } from './headers/describe-stored.ts';
import { renameMailbox, type MailboxRenaming } from './mailboxes/mailbox-renaming.ts';
import { putOffRefresh, retryFailed } from './fetching/retrying.ts';
import { readChangePage } from './feed/mailbox-changes.ts';
import { pruneChanges, type ChangePruning } from './feed/prune-changes.ts';
import { heldBody, streamMessages } from './reads/reads.ts';
import { heldUnder, type SettingsPreviews } from './reads/held-under-settings.ts';
import type { StoreDatabase } from './engines/store-database.ts';
import { correctListing, countListed, findSuspects } from './listing/suspects.ts';
import { createSqlSubscriptionStore, type SqlSubscriptionStore } from './sql-subscription-store.ts';
import { countWork } from './fetching/work-counts.ts';
import { hasWork } from './fetching/has-work.ts';
import { countBackfills, workLeft } from './fetching/count-work-left.ts';
import { countMessages } from './fetching/count-messages.ts';
import { ProgressCounter } from './fetching/count-progress.ts';
import type { MailboxRegistry } from './mailboxes/mailbox-registry.ts';
import type { ListingStore } from './listing/listing-store.ts';
import type { LabelStore } from './listing/label-store.ts';
import type { FetchingStore } from './fetching/fetching-store.ts';
import type { WorkStore } from './fetching/work-store.ts';
import type { HistoryStore } from './history/history-store.ts';
import type { AuditStore } from './audits/audit-store.ts';
import type { MailboxChanges } from './feed/mailbox-changes.ts';
import type { MailStore } from './reads/mail-store.ts';

/** The store on any SQL database: each method is a function of the database and the request. */
export function createSqlMailboxStore(
  database: StoreDatabase,
  options?: BodyOptions,
): MailboxStore &
  QuotaLedger &
  BodySweeper &
  BuriedBodies &
  ChangePruning &
  MailboxRemoval &
  MailboxRenaming &
  MailboxAccounts &
  StoredMailDescriber &
  SqlSubscriptionStore {
  const bodies = new Bodies(database, options);
  return {
    ...registryOf(database),
    ...listingOf(database),
    ...labelStoreOf(database),
    ...fetchingOf(database, bodies),
    ...workOf(database),
    ...historyOf(database),
    ...auditsOf(database),
    ...mailOf(database, bodies),
    ...ledgerOf(database),
    ...accountsOf(database),
    ...upkeepOf(database, bodies),
    ...createSqlSubscriptionStore(database),
    ...lifeOf(database, bodies),
  };
}

function registryOf(database: StoreDatabase): MailboxRegistry {
  return {
    putMailbox: (request) => putMailbox(database, request),
    getMailbox: (mailbox) => getMailbox(database, mailbox),
    listMailboxes: () => listMailboxes(database),
    identity: () => storeIdentity(database),
    noteCondition: (request) => noteCondition(database, request),
    saveWatch: (request) => saveWatch(database, request),
    noteLimitReached: (request) => noteLimitReached(database, request),
    setRelistAt: (request) => setRelistAt(database, request),
    saveDoubt: (request) => saveDoubt(database, request),
  };
}

function listingOf(database: StoreDatabase): ListingStore {
  return {
    beginFullSync: (request) => beginFullSync(database, request),
    saveListingPage: (request) => saveListingPage(database, request),
    saveLabelListingPage: (request) => saveLabelListingPage(database, request),
    saveProgress: (request) => saveProgress(database, request),
    listSeen: (query) => listSeen(database, query),
    countListed: (query) => countListed(database, query),
    findSuspects: (request) => findSuspects(database, request),
    correctListing: (request) => correctListing(database, request),
    limitEdge: (query) => limitEdge(database, query),
    listedFrom: (query) => listedFrom(database, query),
    finishListing: (request) => finishListing(database, request),
  };
}

function labelStoreOf(database: StoreDatabase): LabelStore {
  return {
    saveLabels: (request) => saveLabels(database, request),
    knowsLabels: (request) => knowsLabels(database, request),
    getLabels: (mailbox) => getLabels(database, mailbox),
    heldLabelIds: (mailbox) => heldLabelIds(database, mailbox),
    labelsOf: (request) => labelsOf(database, request),
    readAgainWithout: (request) => readAgainWithout(database, request),
    keepLabel: (request) => keepLabel(database, request),
    removeLabel: (request) => removeLabel(database, request),
  };
}

function fetchingOf(database: StoreDatabase, bodies: Bodies): FetchingStore & LostBodies {
  return {
    nextPending: (request) => nextPending(database, request),
    nextAttemptAt: (request) => nextAttemptAt(database, request),
    saveFetched: (request) => saveFetched(database, bodies, request),
    heldBody: (request) => heldBody(database, bodies, request),
    saveFailedFetches: (request) => saveFailedFetches(database, request),
    correctTimes: (request) => correctTimes(database, request),
    retryFailed: (request) => retryFailed(database, request),
    addListedLate: (request) => addListedLate(database, request),
    admissionsOf: (query) => admissionsOf(database, query),
    nextRefresh: (request) => nextRefresh(database, request),
    putOffRefresh: (request) => putOffRefresh(database, request),
    refetchLost: (request) => refetchLost(database, request),
  };
}

function workOf(database: StoreDatabase): WorkStore {
  const progress = new ProgressCounter(database);
  return {
    countMessages: (mailbox, now) => countMessages(database, mailbox, now),
    countProgress: (mailbox) => progress.count(mailbox),
    countWork: () => countWork(database),
    listFailed: (mailbox, limit) => listFailed(database, mailbox, limit),
    listLacking: (mailbox, limit) => listLacking(database, mailbox, limit),
    workLeft: (request) => workLeft(database, request),
    countBackfills: () => countBackfills(database),
    hasWork: (mailbox) => hasWork(database, mailbox),
  };
}

function historyOf(database: StoreDatabase): HistoryStore {
  return {
    applyHistory: (request) => applyHistory(database, request),
    listEarlyReadings: (request) => listEarlyReadings(database, request),
    settleEarlyReadings: (request) => settleEarlyReadings(database, request),
  };
}

function auditsOf(database: StoreDatabase): AuditStore {
  return {
    beginAudit: (request) => beginAudit(database, request),
    saveAuditPage: (request) => saveAuditPage(database, request),
    compareAudit: (request) => compareAudit(database, request),
    saveAudit: (request) => saveAudit(database, request),
  };
}

function mailOf(
  database: StoreDatabase,
  bodies: Bodies,
): MailStore & SettingsPreviews & MailboxChanges & ChangePruning {
  return {
    heldUnder: (request) => heldUnder(database, request),
    readChangePage: (request) => readChangePage(database, request),
    pruneChanges: (request) => pruneChanges(database, request),
    streamMessages: (mailbox, options) => streamMessages(database, bodies, mailbox, options),
  };
}

function ledgerOf(database: StoreDatabase): QuotaLedger & SpentUnits {
  return {
    getUsage: (mailbox) => getUsage(database, mailbox),
    unitsOfDay: (day) => unitsOfDay(database, day),
    getLedger: (mailbox) => getLedger(database, mailbox),
    update: (mailbox, change) => updateLedger(database, mailbox, change),
    addUsage: (mailbox, usage, day) => addUsage(database, mailbox, usage, day),
  };
}

function accountsOf(database: StoreDatabase): MailboxAccounts & MailboxRenaming {
  return {
    renameMailbox: (request) => renameMailbox(database, request),
    saveAccount: (request) => saveAccount(database, request),
    askForAccountSoon: (mailbox) => askForAccountSoon(database, mailbox),
    sampleMessages: (mailbox) => sampleMessages(database, mailbox),
  };
}

function upkeepOf(
  database: StoreDatabase,
  bodies: Bodies,
): MailboxRemoval & BuriedBodies & BodySweeper & StoredMailDescriber {
  return {
    beginRemoval: (request) => beginRemoval(database, request),
    finishRemovals: (request) => finishRemovals(database, request),
    dropBuriedBodies: (request) => dropBuriedBodies(database, request),
    describeStored: (request) => describeStored(database, bodies, request),
    sweepBodies: (request) => sweepBodies(database, bodies.places, request),
  };
}

function lifeOf(database: StoreDatabase, bodies: Bodies): StoreLife {
  return {
    check: () => checkSchema(database),
    rebuildBodyPlaces: () => bodies.places.rebuild(),
    close: async () => {
      await bodies.close();
      await database.close();
    },
  };
}
