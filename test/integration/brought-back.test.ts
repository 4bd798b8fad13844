import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { tidemark } from '../fixtures/system/cli.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { endMailboxesWithTheirTests, Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const run = promisify(execFile);

/** What an operator does to a workflow, by Temporal's own command. */
const HARM: readonly (readonly [what: string, ...command: string[]])[] = [
  ['terminated', 'terminate', '--reason', 'a test'],
  ['cancelled', 'cancel'],
  ['deleted', 'delete'],
  ['reset to its first task', 'reset', '--type', 'FirstWorkflowTask', '--reason', 'a test'],
  ['reset to its last task', 'reset', '--type', 'LastWorkflowTask', '--reason', 'a test'],
  [
    'reset to its first task, without the signals and updates since',
    'reset',
    '--type',
    'FirstWorkflowTask',
    '--reapply-exclude',
    'All',
    '--reason',
    'a test',
  ],
];

describe.concurrent('tidemark start makes a mailbox exact again that was', () => {
  endMailboxesWithTheirTests();
  let rig: Rig;
  beforeAll(async () => {
    rig = await Rig.open('brought-back');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  /** One of each kind of change at Gmail. */
  function change(box: TestMailbox): void {
    const [first = '', second = '', third = ''] = box.ids();
    box.gmail.delete(first);
    box.gmail.modify([second], { add: ['STARRED'], remove: ['UNREAD'] });
    box.gmail.modify([third], { add: ['TRASH'] });
    box.deliver('meanwhile');
  }

  it.each(HARM)(
    '%s during its first full sync, and once more when in sync',
    async (what, ...command) => {
      const box = await rig.mailbox(`harmed-${what.replaceAll(/\W+/g, '-')}`, { messages: 60, threadSize: 1 });
      box.gmail.paging.listPage = 20;
      const slow = (ms: number) =>
        rig.simulator.faults.add({ match: { email: box.id, method: 'batch' }, effect: { kind: 'slow', ms } });
      const harm = async (): Promise<void> => {
        const { runId } = await box.handle.describe();
        const harming = run(
          inject('temporalBinary'),
          ['workflow', ...command, '--workflow-id', box.handle.workflowId],
          { env: { ...rig.env, PATH: process.env['PATH'] } },
        );
        // `delete` asks for confirmation.
        harming.child.stdin?.end('y\n');
        await harming;
        await eventually(
          20_000,
          async () => ((await isRunning(runId)) ? null : true),
          () => `${what}: still runs`,
        );
      };
      const isRunning = (runId: string): Promise<boolean> =>
        rig.tidemark.temporal.workflow
          .getHandle(box.handle.workflowId, runId)
          .describe()
          .then(
            ({ status }) => status.name === 'RUNNING',
            () => false,
          );
      const start = async (): Promise<void> =>
        expect(await tidemark(rig.env, 'start', box.id)).toMatchObject({ code: 0, stderr: '' });

      // So slow that it cannot end before the harm is done.
      const verySlow = slow(5_000);
      await box.start();
      await box.handle.executeUpdate('sync');
      await harm();
      expect((await box.report()).counts.stored, 'stored by the first full sync').toBeLessThan(60);
      verySlow.remove();
      slow(200);
      change(box);
      await start();
      await box.exact(40_000);
      await box.handle.signal('poke');
      await harm();
      change(box);
      await start();
      await box.exact(40_000);
      expect((await box.report()).failingTask).toBeNull();
      // What was in flight is fetched once more.
      const ids = new Set(box.ids());
      expect([...rig.simulator.fetches()].filter(([id, count]) => ids.has(id) && count > 2)).toEqual([]);
    },
    120_000,
  );
});
