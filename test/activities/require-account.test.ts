import { afterEach, describe, expect, it } from 'vitest';

import { phaseOf } from '../../src/workflows/mailbox-state.ts';
import type { MailboxEvent } from '../../src/workflows/mailbox-event.ts';
import { connectSimulated } from '../fixtures/gmail/simulated-worker.ts';
import { ADA, RunningMailbox, expectExact } from './running-mailbox.ts';

const HOUR = 60 * 60_000;
const EVE = 'eve@example.com';
const COUNTESS = 'countess@example.com';

describe("the account behind a mailbox's credentials", () => {
  let mailbox: RunningMailbox;
  afterEach(() => mailbox.close());

  async function withPush(): Promise<void> {
    mailbox = await RunningMailbox.open(
      { pollInterval: 5 * 60_000, push: { labelIds: [] } },
      { pushTopic: 'projects/p/topics/mail' },
    );
    mailbox.receive(5);
    await mailbox.settle();
  }

  const row = async () => {
    const found = await mailbox.stores.store.getMailbox(ADA);
    if (found === null) throw new Error('the store knows the mailbox');
    return found;
  };
  const feed = async () =>
    (await mailbox.stores.store.readChangePage({ mailbox: ADA, after: 0, limit: 10_000 })).changes;

  /** A mailbox in sync whose credentials were then replaced by those of another account that has mail of its own. */
  async function withStrangersToken(): Promise<void> {
    mailbox = await RunningMailbox.open();
    mailbox.receive(12);
    await mailbox.settle();
    const eve = mailbox.simulator.addMailbox(EVE);
    for (let count = 0; count < 30; count++)
      eve.insert({ raw: `Subject: eve ${count}\r\n\r\nhello\r\n`, labelIds: ['INBOX'] });
    await connectSimulated(mailbox, ADA, EVE);
  }

  const ways: readonly [string, () => readonly MailboxEvent[]][] = [
    ['a partial sync', () => [{ kind: 'poked' }]],
    ['a recovery', () => [{ kind: 'history-expired', message: 'as if' }]],
    ['a forced full sync', () => [{ kind: 'resync-requested' }]],
    ['an audit', () => [{ kind: 'audit-requested' }]],
    ['a slice', () => [{ kind: 'retry-requested' }]],
  ];

  it.each(ways)('lets %s change nothing when it is another one, and then consent is needed', async (_name, events) => {
    await withStrangersToken();
    const before = [await mailbox.comparison(), await mailbox.counts(), await feed(), (await row()).historyId];
    for (const event of events()) mailbox.lanes.dispatch(event);
    await mailbox.run(30 * 60_000);
    expect([await mailbox.comparison(), await mailbox.counts(), await feed(), (await row()).historyId]).toEqual(before);
    expect(phaseOf(mailbox.lanes.state)).toBe('needs-consent');
    expect(mailbox.lanes.state.lastError?.message).toBe(
      `the credentials of ${ADA} open another account, ${EVE}: none of 5 stored messages is there; ` +
        `nothing was changed. Now have the owner of ${ADA} consent`,
    );
    expect(mailbox.lanes.state.blocked?.remedy).toEqual({ kind: 'connect', mailbox: ADA });

    mailbox.receive(3, { from: mailbox.clock.now() });
    await connectSimulated(mailbox, ADA);
    mailbox.lanes.dispatch({ kind: 'reconnected' });
    await mailbox.settle();
    await expectExact(mailbox);
    expect((await mailbox.comparison()).held.size).toBe(15);
  });

  it('is followed to its new address, which is stored, once a new grant names it', async () => {
    mailbox = await RunningMailbox.open();
    mailbox.receive(12);
    await mailbox.settle();
    const [calls, entries] = [mailbox.calls(), (await feed()).length];
    const renamedAt = mailbox.clock.now();
    mailbox.simulator.rename(ADA, COUNTESS);
    mailbox.simulator.grant(COUNTESS);
    await connectSimulated(mailbox, ADA, COUNTESS);
    mailbox.receive(1, { from: mailbox.clock.now() });
    await mailbox.run(HOUR);
    await expectExact(mailbox);
    expect((await feed()).length).toBe(entries + 1);
    expect((await row()).account).toMatchObject({ address: COUNTESS });
    expect((await row()).account?.since).toBeGreaterThanOrEqual(renamedAt);
    // Five witnesses and the new message; nothing that is held was fetched again.
    expect(mailbox.gets(calls)).toBe(6);
  });

  it('is followed to its new address without any stored message, since the grant is the same', async () => {
    mailbox = await RunningMailbox.open();
    await mailbox.settle();
    mailbox.simulator.rename(ADA, COUNTESS);
    const { account } = await row();
    if (account === null) throw new Error('the account was asked for its address');
    await mailbox.stores.store.saveAccount({ mailbox: ADA, account: { ...account, checkedAt: 0, units: -10_000 } });
    mailbox.receive(2, { from: mailbox.clock.now() });
    await mailbox.run(HOUR);
    expect((await row()).account?.address).toBe(COUNTESS);
    expect((await mailbox.comparison()).held.size).toBe(2);
  });

  it('is asked for its address for one unit in a thousand, so a rename shows while old tokens work', async () => {
    mailbox = await RunningMailbox.open({ pollInterval: 60_000 });
    mailbox.receive(5);
    await mailbox.settle();
    const [units, calls] = [mailbox.units(), mailbox.calls()];
    mailbox.simulator.rename(ADA, COUNTESS);
    await mailbox.run(24 * HOUR);
    const spent = mailbox.units() - units;
    const asked = (mailbox.calls()['getProfile'] ?? 0) - (calls['getProfile'] ?? 0);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(spent / 1_000);
    expect((await row()).account?.address).toBe(COUNTESS);
    expect(phaseOf(mailbox.lanes.state)).toBe('live');
  });

  it('is asked for its address as soon as a change comes without a notification', async () => {
    await withPush();
    await mailbox.run(8 * HOUR);
    mailbox.simulator.rename(ADA, COUNTESS);
    mailbox.hears = false;
    const units = mailbox.units();
    const [id = ''] = mailbox.receive(1, { from: mailbox.clock.now() });
    for (let minutes = 0; !(await mailbox.comparison()).held.has(id); minutes += 1) {
      expect(minutes).toBeLessThan(24 * 60);
      await mailbox.run(60_000);
    }
    await mailbox.run(60_000);
    expect(mailbox.lanes.state.push).toMatchObject({ watch: null, address: COUNTESS });
    expect(mailbox.units() - units).toBeLessThan(1_000);
  });

  it('is polled as without push once it is renamed, since notifications name the new address', async () => {
    await withPush();
    await mailbox.run(2 * HOUR);
    expect(mailbox.lanes.state.push.watch).not.toBeNull();
    mailbox.simulator.rename(ADA, COUNTESS);
    mailbox.hears = false;
    await connectSimulated(mailbox, ADA, COUNTESS);
    await mailbox.run(30 * HOUR);
    const [id = ''] = mailbox.receive(1, { from: mailbox.clock.now() });
    await mailbox.run(6 * 60_000);
    expect((await mailbox.comparison()).held.has(id)).toBe(true);
    expect(mailbox.lanes.state.push).toMatchObject({ watch: null, address: COUNTESS });
  });
});
