import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MAILBOX_WORKFLOW, workflowIdOf } from '../../src/workflows/definitions.ts';
import { failingTaskIn, reportsProblems } from '../../src/client/failing-task.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { openNamespace } from '../fixtures/system/own-namespace.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { changedWorkflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

/** A signal makes the server count attempts from one again, so the verbs that send one come last. */
const SENT = 'What was asked for now waits until then.';
const NOT_SENT = 'Nothing was asked of it now.';
const VERBS: readonly (readonly [ends: string, verb: string, ...options: string[]])[] = [
  [NOT_SENT, 'sync', '--wait'],
  [NOT_SENT, 'audit'],
  [SENT, 'start'],
  [SENT, 'pause'],
  [SENT, 'resume'],
  [SENT, 'resync'],
  [SENT, 'stop'],
];

describe('a mailbox whose workflow task fails again and again', () => {
  let rig: Rig;

  beforeAll(async () => {
    // It resumes all paused mailboxes.
    const namespace = `failing-task-${process.pid}`;
    await openNamespace(namespace);
    rig = await Rig.open('failing-task', { env: { TEMPORAL_NAMESPACE: namespace } });
  });
  afterAll(() => rig.close());

  /** An attempt of a failing task lasts until its timeout, which is 20 seconds where Tidemark starts the workflow. */
  async function startImpatiently(box: TestMailbox): Promise<void> {
    await rig.tidemark.temporal.workflow.start(MAILBOX_WORKFLOW, {
      workflowId: workflowIdOf(box.id),
      taskQueue: rig.config.taskQueue,
      args: [{ mailbox: box.id, settings: box.settings }],
      workflowTaskTimeout: '3 seconds',
    });
    await box.exact(60_000);
  }

  it('is reported as such, and no verb claims success, until a build that can handle it runs', async () => {
    const box = await rig.mailbox('failing-task', { messages: 5 });
    const paused = await rig.mailbox('failing-paused', { messages: 5 });
    const first = await rig.spawnWorker();
    await Promise.all([box, paused].map(startImpatiently));
    expect((await box.report()).failingTask).toBeNull();
    await paused.client.pause(paused.id);
    await eventually(20_000, async () => ((await paused.isFoundAs('paused')) ? true : null));
    await first.end('SIGTERM');

    // A build that was changed without a patch.
    const careless = await rig.spawnWorker({ TIDEMARK_WORKFLOW_BUNDLE: (await changedWorkflowBundle()).codePath });
    await Promise.all([box, paused].map(({ client, id }) => client.poke(id)));
    const failing = await eventually(60_000, async () => (await box.report()).failingTask);
    expect(failing.attempt).toBeGreaterThan(2);

    const run = async (args: readonly string[]): Promise<{ code: number | null; text: string }> => {
      const { code: exitCode, stdout, stderr } = await tidemark(rig.env, ...args);
      return { code: exitCode, text: `${stdout}${stderr}` };
    };
    const said = await run(['status', box.id]);
    expect(said.text).toContain(`The workflow task of ${box.id} keeps failing (attempt `);
    expect(said.text).not.toContain('No worker answered');
    // The server marks the workflow after some more attempts, and from then on `list` shows it.
    await eventually(
      120_000,
      async () => (await box.client.list()).find(({ mailbox }) => mailbox === box.id)?.failingTask ?? null,
    );
    const listed = await run(['list']);
    expect(listed).toEqual({
      code: 0,
      text: expect.stringContaining(`The workflow task of ${box.id} keeps failing (attempt `),
    });
    expect(listed.text).toMatch(new RegExp(`^${box.id} +live, stuck `, 'm'));

    const many = await run(['resume', '--all', '--json']);
    expect(many).toEqual({
      code: 1,
      text: expect.stringContaining(`keeps failing: ${paused.id}. The signal to resume`),
    });
    expect(many.text).toContain(`"failing":["${paused.id}"]`);
    for (const [ends, name, ...rest] of VERBS) {
      const told = await run([name, box.id, ...rest]);
      expect(told).toEqual({ code: 1, text: expect.stringContaining(ends) });
    }
    // The next verb is not told that the task is at its first attempts, and so in order.
    await box.client.poke(box.id);
    const recounted = await eventually(30_000, async () => {
      const described = await box.handle.describe();
      const attempt = described.raw.pendingWorkflowTask?.attempt ?? 0;
      return attempt === 1 || attempt === 2 ? described : null;
    });
    expect(failingTaskIn(recounted)).not.toBeNull();

    await careless.end('SIGTERM');
    await rig.startWorker();
    await eventually(90_000, async () => ((await box.report()).failingTask === null ? true : null));
    await eventually(30_000, async () => {
      const { typedSearchAttributes } = await paused.handle.describe();
      return reportsProblems(typedSearchAttributes) ? null : true;
    });
  }, 360_000);
});
