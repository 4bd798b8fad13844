import {
  added,
  deleted,
  h,
  l,
  labelled,
  m,
  reading,
  record,
  type TestMailbox,
} from '../contract/mailbox-store/tested-store.ts';

/**
 * What the activities and the commands ask of a store, one by one, each by its name: for tests and benches of the
 * plans. `a` and `b` are stored.
 */
export const EVERY_QUERY: readonly (readonly [name: string, ask: (mailbox: TestMailbox) => Promise<unknown>])[] = [
  ['getMailbox', (it) => it.row()],
  ['listMailboxes', (it) => it.store.listMailboxes()],
  ['countMessages', (it) => it.counts()],
  ['countWork', (it) => it.store.countWork()],
  ['nextPending, live', (it) => it.pending('live', 50)],
  ['nextPending, backfill', (it) => it.pending('backfill', 500)],
  ['nextAttemptAt', (it) => it.store.nextAttemptAt({ mailbox: it.id, lane: 'live', now: it.now })],
  ['saveFetched', (it) => it.save(reading('a', { labels: ['STARRED'], at: '900000000000' }), reading('new'))],
  ['heldBody', (it) => it.store.heldBody({ mailbox: it.id, messageId: m('a') })],
  ['saveAttempts', (it) => it.attempt('c', { asOf: 101 })],
  ['listFailed', (it) => it.store.listFailed(it.id, 50)],
  ['nextRefresh', (it) => it.refreshes()],
  ['putOffRefresh', (it) => it.store.putOffRefresh({ mailbox: it.id, messageIds: [m('b')], now: it.now })],
  [
    'applyHistory',
    async (it) =>
      it.apply([record('900000000001', labelled('a', 'X'), added('c'), deleted('new'))], {
        generation: (await it.row()).generation,
      }),
  ],
  [
    'addListedLate',
    (it) =>
      it.store.addListedLate({
        mailbox: it.id,
        messages: [{ id: m('late'), threadId: reading('late').threadId }],
        since: null,
        now: it.now,
      }),
  ],
  ['readChanges', (it) => it.store.readChanges({ mailbox: it.id, after: 0, limit: 500 })],
  ['streamMessages, a page', async (it) => it.store.streamMessages(it.id)[Symbol.asyncIterator]().next()],
  ['the ledger', (it) => it.store.update(it.id, (ledger) => ({ ledger: `${ledger ?? ''}x`, result: null }))],
  [
    'addUsage',
    (it) => it.store.addUsage(it.id, [{ method: 'messages.get', calls: 1, units: 20, rejected: 0 }], '2026-11-22'),
  ],
  ['unitsOfDay', (it) => it.store.unitsOfDay('2026-11-22')],
  ['getUsage', (it) => it.store.getUsage(it.id)],
  [
    'saveLabels',
    (it) => it.store.saveLabels({ mailbox: it.id, labels: [{ id: l('X'), name: 'X', type: 'user' }], now: it.now }),
  ],
  ['getLabels', (it) => it.store.getLabels(it.id)],
  ['beginFullSync', (it) => beginNext(it)],
  ['saveListingPage', (it) => it.list(['a', 'd'])],
  ['saveLabelListingPage', (it) => it.listLabels({ X: ['a'] })],
  ['listSeen', (it) => it.store.listSeen({ mailbox: it.id, generation: it.generation, after: null, limit: 500 })],
  [
    'correctListing',
    (it) =>
      it.store.correctListing({
        mailbox: it.id,
        generation: it.generation,
        fetched: [{ id: m('a'), labelIds: [l('X')] }],
        unanswered: [m('b')],
      }),
  ],
  [
    'readAgainWithout',
    (it) => it.store.readAgainWithout({ mailbox: it.id, labelId: l('X'), messageIds: [m('a')], now: it.now }),
  ],
  ['labelsOf', (it) => it.store.labelsOf({ mailbox: it.id, messageIds: [m('a')] })],
  ['listEarlyReadings', (it) => it.store.listEarlyReadings({ mailbox: it.id, now: it.now + 60_000, limit: 500 })],
  ['dropBuriedBodies', (it) => it.store.dropBuriedBodies({ now: it.now, grace: 0 })],
  ['beginAudit', (it) => it.store.beginAudit({ mailbox: it.id, audit: 7 })],
  ['saveAuditPage', (it) => it.store.saveAuditPage({ mailbox: it.id, audit: 7, labelId: null, messageIds: [m('a')] })],
  ['correctTimes', (it) => it.store.correctTimes({ mailbox: it.id, now: it.now })],
  ['retryFailed', (it) => it.store.retryFailed({ mailbox: it.id, now: it.now })],
];

/** Those whose work is all of a mailbox by their nature: minutes at a million messages. */
export const WHOLE_MAILBOX: typeof EVERY_QUERY = [
  ['findSuspects', (it) => it.suspects()],
  ['countListed', (it) => it.store.countListed({ mailbox: it.id, generation: it.generation })],
  ['heldLabelIds', (it) => it.store.heldLabelIds(it.id)],
  ['removeLabel', (it) => it.store.removeLabel({ mailbox: it.id, labelId: l('X'), now: it.now })],
  ['compareAudit', (it) => it.store.compareAudit({ mailbox: it.id, audit: 7, since: h('999999999999'), limit: 10 })],
  ['finishListing', (it) => it.finish({ labels: 'compared', keepNewest: 5 })],
];

async function beginNext(mailbox: TestMailbox): Promise<unknown> {
  mailbox.generation = (await mailbox.row()).generation;
  return mailbox.begin('900000000100');
}
