import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../src/model/settings.ts';
import {
  h,
  l,
  labelled,
  m,
  openMailbox,
  reading,
  record,
  useMailbox,
  type StoreFixture,
} from '../../fixtures/store/tested-store.ts';

export function labels(fixture: StoreFixture): void {
  describe('a label that is gone', () => {
    const open = useMailbox(fixture);

    it('leaves every message and the list of names, with a change in the feed for each message', async () => {
      const mailbox = open();
      await mailbox.store.saveLabels({
        mailbox: mailbox.id,
        labels: [{ id: l('L_1'), name: 'Work', type: 'user' }],
        now: 1,
      });
      await mailbox.sync([reading('a', { labels: ['INBOX', 'L_1'] }), reading('b', { labels: ['LX1'] })]);
      expect(await mailbox.store.heldLabelIds(mailbox.id)).toEqual(['INBOX', 'LX1', 'L_1']);
      expect(await mailbox.store.removeLabel({ mailbox: mailbox.id, labelId: l('L_1'), now: mailbox.now })).toEqual({
        relabelled: 1,
      });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'], b: ['LX1'] });
      expect(await mailbox.feed(2)).toEqual(['labels a']);
      expect(await mailbox.store.getLabels(mailbox.id)).toEqual([]);
    });

    it('is asked about again after a minute, and at once where a wrong clock put that off by a day', async () => {
      const DAY = 24 * 3_600_000;
      const mailbox = open();
      await mailbox.put();
      const { store, id: box, now } = mailbox;
      const unlisted = async (at: number) => (await store.saveLabels({ mailbox: box, labels: [], now: at })).unlisted;
      await store.saveLabels({ mailbox: box, labels: [{ id: l('L_1'), name: 'Work', type: 'user' }], now });
      expect(await unlisted(now)).toEqual(['L_1']);
      await store.keepLabel({ mailbox: box, labelId: l('L_1'), now });
      expect(await unlisted(now + 59_000)).toEqual([]);
      expect(await unlisted(now + 60_000)).toEqual(['L_1']);
      await store.keepLabel({ mailbox: box, labelId: l('L_1'), now: now + DAY });
      expect(await unlisted(now + 61_000)).toEqual(['L_1']);
    });

    it('is asked about for two more days, and is removed again from messages that got it since', async () => {
      const DAY = 24 * 3_600_000;
      const mailbox = open();
      const { store, id: box } = mailbox;
      const inbox = { id: l('INBOX'), name: 'INBOX', type: 'system' } as const;
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      const remove = () => store.removeLabel({ mailbox: box, labelId: l('L_1'), now: mailbox.now });
      const unlisted = async () =>
        (await store.saveLabels({ mailbox: box, labels: [inbox], now: mailbox.now })).unlisted;
      expect(await remove()).toEqual({ relabelled: 0 });
      await mailbox.apply([record(101, labelled('a', 'L_1'))]);
      expect(await unlisted()).toEqual([]);
      mailbox.now += 60_000;
      expect(await unlisted()).toEqual(['L_1']);
      expect((await store.saveLabels({ mailbox: box, labels: [inbox], now: mailbox.now })).passedOver).toEqual(['L_1']);
      expect(await remove()).toEqual({ relabelled: 1 });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
      expect(await store.getLabels(box)).toEqual([inbox]);
      mailbox.now += 3 * DAY;
      expect(await unlisted()).toEqual(['L_1']);
      await remove();
      mailbox.now += 3 * DAY;
      expect(await unlisted()).toEqual([]);
    });

    it('is asked about ever more rarely, and forgotten, though a wrong clock noted it a month ahead', async () => {
      const DAY = 24 * 3_600_000;
      const mailbox = open();
      const { store, id: box, now } = mailbox;
      const inbox = { id: l('INBOX'), name: 'INBOX', type: 'system' } as const;
      await mailbox.sync([reading('a', { labels: ['INBOX', 'L_1'] })]);
      const unlisted = async () =>
        (await store.saveLabels({ mailbox: box, labels: [inbox], now: mailbox.now })).unlisted;
      const keep = () => store.keepLabel({ mailbox: box, labelId: l('L_1'), now: mailbox.now });
      const remove = () => store.removeLabel({ mailbox: box, labelId: l('L_1'), now: mailbox.now });
      mailbox.now = now + 30 * DAY;
      expect(await unlisted()).toEqual(['L_1']);
      mailbox.now = now;
      await keep();
      mailbox.now += DAY;
      expect(await unlisted()).toEqual(['L_1']);
      await keep();
      mailbox.now += DAY - 1;
      expect(await unlisted()).toEqual([]);
      mailbox.now = now + 30 * DAY;
      await remove();
      mailbox.now = now + 3 * DAY;
      await remove();
      mailbox.now += 3 * DAY;
      await remove();
      mailbox.now += 3 * DAY;
      expect(await unlisted()).toEqual([]);
    });

    it('is back when labels.list names it again, and is listed like a new label', async () => {
      const mailbox = open();
      await mailbox.put();
      const { store, id: box, now } = mailbox;
      const label = { id: l('L_1'), name: 'Work', type: 'user' } as const;
      await store.saveLabels({ mailbox: box, labels: [label], now });
      await store.removeLabel({ mailbox: box, labelId: label.id, now });
      expect((await store.saveLabels({ mailbox: box, labels: [label], now })).unlisted).toEqual([]);
      expect(await store.getLabels(box)).toEqual([label]);
      expect((await store.saveLabels({ mailbox: box, labels: [label], now: now + 2 * 60_000 })).fresh).toEqual(['L_1']);
    });

    it('is asked about, too, where a message has it and labels.list never named it', async () => {
      const mailbox = open();
      const { store, id: box } = mailbox;
      const inbox = { id: l('INBOX'), name: 'INBOX', type: 'system' } as const;
      const save = () => store.saveLabels({ mailbox: box, labels: [inbox], now: mailbox.now });
      await mailbox.put();
      await save();
      await mailbox.sync([reading('a', { labels: ['INBOX'] })]);
      await mailbox.apply([record(101, labelled('a', 'L_1'))]);
      expect(await save()).toMatchObject({ unlisted: ['L_1'], passedOver: ['L_1'] });
      expect(await store.getLabels(box)).toEqual([inbox]);
      await store.removeLabel({ mailbox: box, labelId: l('L_1'), now: mailbox.now });
      expect(await mailbox.labels()).toEqual({ a: ['INBOX'] });
    });

    it('that a message got first is listed once labels.list names it', async () => {
      const mailbox = open();
      const { store, id: box } = mailbox;
      await mailbox.sync([reading('a', { labels: ['INBOX', 'L_1'] })]);
      const label = { id: l('L_1'), name: 'Work', type: 'user' } as const;
      const save = () => store.saveLabels({ mailbox: box, labels: [label], now: mailbox.now });
      await save();
      expect(await store.getLabels(box)).toEqual([label]);
      mailbox.now += 2 * 60_000;
      expect((await save()).fresh).toEqual(['L_1']);
    });

    it('puts no message out of a scope that is being listed, since its other labels may be stale', async () => {
      const mailbox = open();
      await mailbox.sync([reading('a', { labels: ['Work'] }), reading('b', { labels: ['Work'] })]);
      const { settings } = await mailbox.row();
      mailbox.generation += 1;
      const narrower = { ...settings, scope: { ...settings.scope, labelIds: [l('STARRED')] } };
      await mailbox.store.beginFullSync({
        mailbox: mailbox.id,
        generation: mailbox.generation,
        startHistoryId: h(200),
        settings: narrower,
        now: mailbox.now,
      });
      await mailbox.list(['a']);
      await mailbox.listLabels({ STARRED: ['a'] });
      await mailbox.store.removeLabel({ mailbox: mailbox.id, labelId: l('Work'), now: mailbox.now });
      await mailbox.finish({ labels: 'compared' });
      expect(await mailbox.labels()).toEqual({ a: ['STARRED'] });
      expect(await mailbox.feed(2)).toEqual(['labels a', 'labels b', 'labels a', 'gone b']);
    });

    it('takes messages out of a scope that names it, and keeps their bodies', async () => {
      const mailbox = await openMailbox(fixture, {
        ...DEFAULT_SETTINGS,
        scope: { ...DEFAULT_SETTINGS.scope, labelIds: [l('Work')] },
      });
      await mailbox.sync([reading('a', { labels: ['Work'] })]);
      await mailbox.store.removeLabel({ mailbox: mailbox.id, labelId: l('Work'), now: mailbox.now });
      expect(await mailbox.counts()).toMatchObject({ stored: 0, excluded: 1 });
      expect(await mailbox.store.heldBody({ mailbox: mailbox.id, messageId: m('a') })).not.toBeNull();
      await mailbox.store.close();
    });
  });

  describe('the labels that labels.list names', () => {
    const open = useMailbox(fixture);
    const named = (id: string, name: string) => ({ id: l(id), name, type: 'user' }) as const;

    it('are known once they are saved, until one is new, renamed or missing', async () => {
      const mailbox = open();
      await mailbox.put();
      const { store, id, now } = mailbox;
      const known = (...labels: ReturnType<typeof named>[]) => store.knowsLabels({ mailbox: id, labels, now });
      const saved = [named('L_1', 'Work'), named('L_2', 'Home')];
      expect(await known(...saved)).toBe(false);
      await store.saveLabels({ mailbox: id, labels: saved, now });
      expect(await known(...saved.toReversed())).toBe(true);
      expect(await known(...saved, named('L_3', 'New'))).toBe(false);
      expect(await known(named('L_1', 'Office'), named('L_2', 'Home'))).toBe(false);
      expect(await known(named('L_1', 'Work'))).toBe(false);
    });

    it('are not known while Gmail is to be asked about a missing one, or a new one is to be listed', async () => {
      const mailbox = open();
      await mailbox.put();
      const { store, id, now } = mailbox;
      const labels = [named('L_1', 'Work')];
      const knownAt = (at: number) => store.knowsLabels({ mailbox: id, labels, now: at });
      await store.saveLabels({ mailbox: id, labels: [...labels, named('L_2', 'Home')], now });
      await store.saveLabels({ mailbox: id, labels, now });
      await store.keepLabel({ mailbox: id, labelId: l('L_2'), now });
      expect(await knownAt(now + 59_000)).toBe(true);
      expect(await knownAt(now + 60_000)).toBe(false);
      labels.push(named('L_3', 'New'));
      await store.saveLabels({ mailbox: id, labels, now });
      expect(await knownAt(now + 59_000)).toBe(true);
      await store.keepLabel({ mailbox: id, labelId: l('L_2'), now: now + 110_000 });
      expect(await knownAt(now + 121_000)).toBe(false);
    });
  });
}
