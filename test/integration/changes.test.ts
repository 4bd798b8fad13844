import { isDeepStrictEqual } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { insertOddMail } from '../../src/simulator/odd-mail.ts';
import { ApiUser } from '../fixtures/gmail/simulator-fixture.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

/** How long (ms) each batch takes, so that a backfill lasts long enough for something to happen beside it. */
const SLOW_BATCHES = 250;
/** A recovery waits half a minute until Gmail's index shows everything up to its mark. */
const RECOVERY = 75_000;

describe.concurrent('a mailbox becomes exact', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('changes');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  const slowly = (box: TestMailbox): void => {
    rig.simulator.faults.add({ match: { email: box.id, method: 'batch' }, effect: { kind: 'slow', ms: SLOW_BATCHES } });
  };
  const shuffle = (box: TestMailbox): void => {
    const [first = '', second = '', third = '', fourth = ''] = box.ids();
    box.gmail.deleteAll([first, second]);
    box.gmail.modify([third], { add: ['STARRED', 'UNREAD'] });
    box.gmail.modify([fourth], { add: ['TRASH'] });
    box.deliver('while nobody looked');
  };

  it('after a history 404 while it is live, deletions included', async () => {
    const box = await rig.mailbox('expired-live', { messages: 120, threadSize: 1, pollInterval: 60_000 });
    await box.start();
    await box.exact(20_000);
    const fetched = rig.simulator.usage.of(box.id).methods['messages.get']?.calls ?? 0;
    shuffle(box);
    box.gmail.expireHistory();
    await box.client.poke(box.id);
    await box.reaches('recovering', 5_000);
    const report = await box.exact(RECOVERY);
    // The trashed message was not listed either: its own get says that it still exists, out of scope.
    expect(report).toMatchObject({ phase: 'live', recoveries: 1, counts: { gone: 2, excluded: 1 } });
    // The new message is fetched and each of the three that were not listed is asked once, and nothing held is fetched
    // again.
    expect((rig.simulator.usage.of(box.id).methods['messages.get']?.calls ?? 0) - fetched).toBe(1 + 3);
    expect(await box.workflowFailures()).toEqual([]);
  }, 120_000);

  it('after a history 404 during its backfill, deletions included', async () => {
    const box = await rig.mailbox('expired-backfill', { messages: 400, threadSize: 1, pollInterval: 500 });
    slowly(box);
    await box.start();
    await eventually(60_000, async () => ((await box.report()).counts.stored > 50 ? true : null));
    shuffle(box);
    box.gmail.expireHistory();
    const report = await box.exact(RECOVERY);
    expect(report.recoveries).toBeGreaterThanOrEqual(1);
    expect(await box.workflowFailures()).toEqual([]);
  }, 120_000);

  it('by one recovery after a history 404 while it is quiet, without an endless loop', async () => {
    const box = await rig.mailbox('expired-quiet', { messages: 40, pollInterval: 500 });
    await box.start();
    await box.exact(20_000);
    // The newest message is so old that history from any message's historyId is expired, too. Only a real change makes
    // history, and one message in twenty is generated with a star.
    const [unstarred = ''] = box.gmail
      .truth()
      .flatMap(({ id, labelIds }) => (labelIds.includes('STARRED') ? [] : [id]));
    box.gmail.modify([unstarred], { add: ['STARRED'] });
    box.gmail.expireHistory();
    await eventually(20_000, async () => ((await box.report()).recoveries === 1 ? true : null));
    await box.exact(RECOVERY);
    const before = (await box.report()).partialSyncs ?? 0;
    const expired = rig.simulator.expired.get(box.id) ?? 0;
    await eventually(30_000, async () => (((await box.report()).partialSyncs ?? 0) >= before + 5 ? true : null));
    expect(rig.simulator.expired.get(box.id)).toBe(expired);
    // One 404 for the mark, and at most one more: what was read in the first seconds needs history from before it.
    expect(expired).toBeLessThanOrEqual(2);
    expect((await box.report()).recoveries).toBe(1);
  }, 120_000);

  it('when messages are deleted between listing and get, or indexed late', async () => {
    const box = await rig.mailbox('lag', { messages: 150, threadSize: 1, pollInterval: 1_000 });
    slowly(box);
    Object.assign(box.gmail.lag, { historyMs: 3_000, listMs: 4_000, getMs: 3_000, getProbability: 0.5, jitter: true });
    const early = box.deliver('before the listing, and not in it');
    await box.start();
    await eventually(30_000, async () => ((await box.report()).counts.pending > 50 ? true : null));
    const [oldest = '', second = ''] = box.ids();
    box.gmail.deleteAll([oldest, second]);
    for (let i = 0; i < 5; i++) box.deliver(`late ${i}`);
    await box.exact(45_000);
    const { counts } = await box.report();
    expect(counts).toMatchObject({ gone: 2, pending: 0, failed: 0 });
    expect(box.ids()).toContain(early.id);
  }, 60_000);

  it('with the next partial sync after labels are created, renamed or deleted', async () => {
    const box = await rig.mailbox('labels', { messages: 20, pollInterval: 60_000 });
    await box.start();
    await box.exact(20_000);
    const names = async (): Promise<string[]> =>
      (await rig.tidemark.store.getLabels(box.id)).filter(({ type }) => type === 'user').map(({ name }) => name);
    const { id } = box.gmail.createLabel('Später');
    box.gmail.modify(box.ids().slice(0, 3), { add: [id] });
    await box.client.sync(box.id, { wait: true });
    expect(await names()).toContain('Später');
    box.gmail.renameLabel(id, 'Viel später');
    await box.client.sync(box.id, { wait: true });
    expect(await names()).toContain('Viel später');
    expect(await names()).not.toContain('Später');
    box.gmail.deleteLabel(id);
    await box.client.sync(box.id, { wait: true });
    expect(await names()).not.toContain('Viel später');
    expect(await box.differences()).toEqual([]);
  }, 60_000);

  it('when a message that was never stored leaves spam or trash', async () => {
    const box = await rig.mailbox('spam', { messages: 20, pollInterval: 60_000 });
    const spam = box.deliver('no spam at all', ['SPAM']);
    const trash = box.deliver('thrown away by mistake', ['TRASH']);
    await box.start();
    await box.exact(20_000);
    expect(box.ids()).not.toContain(spam.id);
    box.gmail.modify([spam.id], { add: ['INBOX'], remove: ['SPAM'] });
    box.gmail.untrash(trash.id);
    await box.client.sync(box.id, { wait: true });
    expect(box.ids()).toEqual(expect.arrayContaining([spam.id, trash.id]));
    expect(await box.differences()).toEqual([]);
  }, 60_000);

  it('when it is empty, and when its first message arrives', async () => {
    const box = await rig.mailbox('empty', { messages: 0 });
    await box.start();
    expect((await box.exact(20_000)).counts).toMatchObject({ stored: 0, pending: 0, failed: 0, gone: 0 });
    box.deliver('the first');
    await box.client.sync(box.id, { wait: true });
    expect((await box.exact(30_000)).counts.stored).toBe(1);
  }, 60_000);

  it.each(['full', 'raw'] as const)(
    'with odd mail in format %s: no headers, no body, broken MIME, 8-bit subjects, 25 MB, 500 labels',
    async (format) => {
      const box = await rig.mailbox(`odd-${format}`, { format, pollInterval: 60_000 });
      const odd = insertOddMail(box.gmail);
      await box.start();
      const { counts } = await box.exact(45_000);
      expect(counts).toMatchObject({ stored: odd.size, failed: 0, pending: 0 });
      const owner = await new ApiUser(rig.simulator).signIn(rig.simulator.credentialsFor(box.id));
      const bytes = new Map(box.gmail.truth().map(({ id, raw }) => [id, raw]));
      for await (const { id, body } of box.client.streamMessages(box.id)) {
        const held = Buffer.from(body ?? []);
        const same =
          format === 'raw'
            ? held.equals(Buffer.from(bytes.get(id) ?? '', 'base64url'))
            : isDeepStrictEqual(
                JSON.parse(held.toString('utf8')),
                (await owner.get(`messages/${id}`, { format })).body,
              );
        expect(same, id).toBe(true);
      }
    },
    90_000,
  );
});
