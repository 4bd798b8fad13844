import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { openNamespace } from '../fixtures/system/own-namespace.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { tidemark } from '../fixtures/system/cli.ts';

/** Resuming every mailbox would reach those of other tests, so these have their own namespace. */
const NAMESPACE = `resume-many-${process.pid}`;
const API_OFF = {
  kind: 'status',
  status: 403,
  reason: 'accessNotConfigured',
  message: 'Gmail API has not been used in project 1 before or it is disabled.',
} as const;

describe('resuming many mailboxes', () => {
  let rig: Rig;

  beforeAll(async () => {
    await openNamespace(NAMESPACE);
    rig = await Rig.open('resume-many', { env: { TEMPORAL_NAMESPACE: NAMESPACE } });
    await rig.startWorker();
  }, 60_000);
  afterAll(() => rig.close());

  async function resume(...args: string[]) {
    const { code, stdout } = await tidemark(rig.env, 'resume', ...args);
    return { code, stdout };
  }

  const showsAs = (box: TestMailbox, phase: Parameters<TestMailbox['isFoundAs']>[0]): Promise<true> =>
    eventually(20_000, async () => ((await box.isFoundAs(phase)) ? true : null));

  it('is said in the help to reach mailboxes of other databases, too', async () => {
    const { stdout } = await tidemark(rig.env, 'resume', '--help');
    expect(stdout).toContain('Many are resumed ten a second, those of other databases in this namespace too. ');
  });

  it('reaches only those in the given phases, or all that wait, and names them', async () => {
    const boxes = await Promise.all(
      ['off-a', 'off-b', 'paused', 'live'].map((name) => rig.mailbox(name, { messages: 5 })),
    );
    const [first, second, paused, live] = boxes;
    if (first === undefined || second === undefined || paused === undefined || live === undefined)
      throw new Error('four mailboxes');
    const faults = [first, second].map(({ id }) => rig.simulator.faults.add({ match: { email: id }, effect: API_OFF }));
    await Promise.all(boxes.map((box) => box.start()));
    await paused.client.pause(paused.id);
    await Promise.all([
      showsAs(first, 'failed'),
      showsAs(second, 'failed'),
      showsAs(paused, 'paused'),
      showsAs(live, 'live'),
    ]);
    const { blocked } = await first.report();
    expect(blocked?.retryAt).toEqual(expect.any(Number));

    // While Gmail refuses them, their own attempts do not take them out of the phase.
    const some = await resume('--phase', 'failed', '--json');
    expect({ code: some.code, result: JSON.parse(some.stdout) as object }).toEqual({
      code: 0,
      result: { resumed: 2, mailboxes: [first.id, second.id].sort(), failing: [], ended: [] },
    });
    for (const fault of faults) fault.remove();
    await Promise.all([first, second].map((box) => box.client.resume(box.id)));
    await Promise.all([first.exact(20_000), second.exact(20_000)]);
    expect((await paused.report()).phase).toBe('paused');

    await eventually(20_000, async () =>
      (await first.isFoundAs('live')) && (await second.isFoundAs('live')) ? true : null,
    );
    // Mailboxes are found in Temporal: the database that is named here need not be theirs, as the help says.
    const elsewhere = { ...rig.env, DATABASE_URL: `sqlite:${join(rig.folder, 'elsewhere.sqlite')}` };
    await tidemark(elsewhere, 'migrate');
    expect(await tidemark(elsewhere, 'resume', '--all')).toEqual({
      code: 0,
      stderr: '',
      stdout: `1 mailbox is resumed: ${paused.id}. How they are: tidemark list\n`,
    });
    await paused.exact(20_000);
    await showsAs(paused, 'live');
    expect(await resume('--phase', 'failed', '--phase', 'needs-consent')).toEqual({
      code: 0,
      stdout: 'No mailbox is in phase failed or needs-consent.\n',
    });
  }, 90_000);
});

/** Registers the namespace, and waits until the whole server knows it, which takes some seconds. */
