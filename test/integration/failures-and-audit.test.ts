import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { historyId, labelId, messageId, threadId } from '../../src/model/ids.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { tidemark as runVerb } from '../fixtures/system/cli.ts';

describe.concurrent('the command line reports what is wrong', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('told');
    await rig.startWorker(undefined, hurriedClock);
  });
  afterAll(() => rig.close());

  const tidemark = (...args: string[]) => runVerb(rig.env, ...args);

  /** A mailbox in sync, one of whose messages Gmail refuses. */
  async function withFailure(name: string): Promise<{ box: TestMailbox; culprit: string }> {
    const box = await rig.mailbox(name, { messages: 30, threadSize: 1 });
    const [culprit = ''] = box.ids();
    box.gmail.poison(culprit, 400);
    await box.start();
    await eventually(
      30_000,
      async () => ((await box.report()).counts.failed === 1 ? true : null),
      () => 'the message did not fail',
    );
    return { box, culprit };
  }

  /**
   * Brings a mailbox in sync and lists it once more, so that an audit compares all of it: it leaves out for half a
   * minute, even by the hurried clock, what a first full sync read in its first seconds.
   */
  async function compared(box: TestMailbox): Promise<void> {
    await box.exact(30_000);
    await rig.tidemark.client.resync(box.id, { wait: true });
  }

  /** A mailbox in sync, whose store holds a message that Gmail does not have. */
  async function withGhost(name: string): Promise<{ box: TestMailbox }> {
    const box = await rig.mailbox(name, { messages: 30, threadSize: 1 });
    await box.start();
    await compared(box);
    const ghost = {
      id: messageId('abc'),
      threadId: threadId('abc'),
      labelIds: [labelId('INBOX')],
      historyId: historyId('5'),
      internalDate: 0,
      sizeEstimate: 1,
      snippet: '',
      body: new Uint8Array([1]),
    };
    await rig.tidemark.store.saveFetched({ mailbox: box.id, messages: [ghost], format: 'raw', now: systemClock.now() });
    return { box };
  }

  it('failures says that a mailbox has no failed messages, and exits with 0', async () => {
    const box = await rig.mailbox('sound', { messages: 3 });
    await box.start();
    await box.exact(30_000);
    expect(await tidemark('failures', box.id)).toEqual({
      code: 0,
      stdout: `${box.id} has no failed messages.\n`,
      stderr: '',
    });
    expect(JSON.parse((await tidemark('failures', box.id, '--json')).stdout)).toEqual({
      mailbox: box.id,
      failed: 0,
      lacking: 0,
      retrying: false,
      failures: [],
      inPart: [],
    });
  }, 60_000);

  it('failures and status name what is stored in part, and what it lacks', async () => {
    const box = await rig.mailbox('in-part', { messages: 5, threadSize: 1 });
    const [chat = ''] = box.ids();
    rig.simulator.faults.add({
      match: { messageId: chat, method: 'messages.get' },
      effect: { kind: 'replace', fields: { labelIds: ['CHAT'] }, without: ['raw'] },
    });
    await box.start();
    await eventually(
      30_000,
      async () => ((await box.report()).counts.lacking === 1 ? true : null),
      () => 'the message was not stored in part',
    );
    const { code, stdout } = await tidemark('failures', box.id);
    expect(code).toBe(0);
    expect(stdout).toContain(`${box.id} has no failed messages.`);
    expect(stdout).toMatch(new RegExp(`^${chat} +stored as full: Gmail has no raw of it +not asked for again$`, 'm'));
    expect(stdout).toContain('1 message stored and readable in part.');
    expect(JSON.parse((await tidemark('failures', box.id, '--json')).stdout)).toMatchObject({
      failed: 0,
      lacking: 1,
      inPart: [{ id: chat, lacks: 'raw', nextAttemptAt: null }],
    });
    expect(await tidemark('show', box.id, chat, '--raw')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        `because Gmail gives no RFC 822 bytes of it (chats have none). To read it: tidemark show ${box.id} ${chat}`,
      ),
    });
    expect((await tidemark('status', box.id)).stdout).toMatch(
      new RegExp(`in part +1 \\(Gmail does not give all of them: tidemark failures ${box.id}\\)`),
    );
  }, 60_000);

  it('every --wait says how many messages failed, and exits with 3 where a script asks for that', async () => {
    const { box } = await withFailure('lacking');
    const said = `1 message could not be fetched: tidemark failures ${box.id}`;
    const waits = [
      ['start', box.id],
      ['sync', box.id],
      ['resync', box.id],
      ['configure', box.id, '--poll-interval', '7m'],
    ];
    for (const wait of waits) {
      const { code, stdout } = await tidemark(...wait, '--wait');
      expect({ wait, code, lines: stdout.split('\n') }).toEqual({
        wait,
        code: 0,
        lines: expect.arrayContaining([said]) as string[],
      });
      const strict = await tidemark(...wait, '--wait', '--fail-on-failures', '--json');
      expect({ wait, code: strict.code, told: JSON.parse(strict.stderr) as unknown }).toMatchObject({
        wait,
        code: 3,
        told: { code: 'messages-failed' },
      });
    }
    expect((await tidemark('list')).stdout.split('\n')).toContain(said);
  }, 120_000);

  it('failures lists reason, attempts and next attempt, and --retry tries at once', async () => {
    const { box, culprit } = await withFailure('failed');
    const told = await tidemark('failures', box.id);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(/^message +reason +attempts +next attempt\n/);
    expect(told.stdout).toMatch(
      new RegExp(
        `^${culprit} +Gmail refuses this message: \\S.* 2 +20\\d\\d-\\d\\d-\\d\\d [\\d:]+Z \\(in [\\dms]+\\)$`,
        'm',
      ),
    );
    expect(told.stdout).toContain(`1 failed message. To try them sooner: tidemark failures ${box.id} --retry.`);
    expect(JSON.parse((await tidemark('failures', box.id, '--json')).stdout)).toMatchObject({
      mailbox: box.id,
      failed: 1,
      retrying: false,
      failures: [
        { id: culprit, attempts: 2, error: expect.stringContaining('refuses'), nextAttemptAt: expect.any(Number) },
      ],
    });
    box.gmail.poison(culprit, null);
    const retried = await tidemark('failures', box.id, '--retry');
    expect(retried.stdout).toContain('1 failed message: it will be tried again as soon as the quota allows.');
    await box.exact(30_000);
    expect((await tidemark('failures', box.id)).stdout).toContain('has no failed messages');
  }, 60_000);

  it('failures refuses an unknown mailbox', async () => {
    const told = await tidemark('failures', 'nobody@example.com', '--json');
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(told.stderr)).toEqual({
      code: 'mailbox-unknown',
      message: expect.stringContaining('nobody@example.com'),
    });
  });

  it('audit exits with 0 when nothing differs', async () => {
    const box = await rig.mailbox('audited', { messages: 25 });
    await box.start();
    await compared(box);
    const { counts } = await box.report();
    expect(await tidemark('audit', box.id)).toEqual({
      code: 0,
      stdout: `${box.id}: ${counts.stored} messages compared, no differences.\n`,
      stderr: '',
    });
    expect(JSON.parse((await tidemark('audit', box.id, '--json')).stdout)).toMatchObject({
      mailbox: box.id,
      drift: 0,
      repaired: false,
      checked: counts.stored,
      missing: 0,
      extra: 0,
      differing: 0,
    });
    expect((await tidemark('status', box.id)).stdout).toMatch(
      new RegExp(`last audit +${counts.stored} messages compared, no differences, `),
    );
  }, 60_000);

  it('audit exits with 1 when messages differ, with examples and the remedy', async () => {
    const { box } = await withGhost('drifted');
    const told = await tidemark('audit', box.id);
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(
      /messages compared: 0 missing here, 1 only here, 0 with other labels\.\n {2}extra: abc\n$/,
    );
    expect(told.stderr).toBe(
      `tidemark: ${box.id} differs from Gmail in 1 message. Repair it: tidemark audit ${box.id} --repair.\n`,
    );
    const json = await tidemark('audit', box.id, '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({
      drift: 1,
      repaired: false,
      extra: 1,
      examples: { missing: [], extra: ['abc'], differing: [] },
    });
    expect(JSON.parse(json.stderr)).toMatchObject({ code: 'drift' });
  }, 60_000);

  it('audit --repair corrects what differs, and exits with 0', async () => {
    const { box } = await withGhost('repaired');
    const told = await tidemark('audit', box.id, '--repair', '--json');
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(told.stdout)).toMatchObject({ drift: 0, repaired: true, extra: 0 });
    await box.exact(30_000);
  }, 60_000);
});
