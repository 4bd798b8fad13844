import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MAILBOX_WORKFLOW, workflowIdOf } from '../../src/workflows/definitions.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Program } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';

/** A signal makes the server count attempts from one again, so the verbs that send one come last. */
const SENT = 'What was asked for now waits until then.';
const NOT_SENT = 'Nothing was asked of it now.';
const VERBS: readonly (readonly [ends: string, verb: string, ...options: string[]])[] = [
  [NOT_SENT, 'sync', '--wait'],
  [NOT_SENT, 'audit'],
  [SENT, 'pause'],
  [SENT, 'resync'],
  [SENT, 'stop'],
];

describe('a mailbox whose workflow task fails again and again', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('failing-task');
  });
  afterAll(() => rig.close());

  it('is reported as such, and no verb claims success, until a build that can handle it runs', async () => {
    const box = await rig.mailbox('failing-task', { messages: 5 });
    const first = await rig.spawnWorker();
    // An attempt of a failing task lasts until its timeout, which is 20 seconds where Tidemark starts the workflow.
    await rig.tidemark.temporal.workflow.start(MAILBOX_WORKFLOW, {
      workflowId: workflowIdOf(box.id),
      taskQueue: rig.config.taskQueue,
      args: [{ mailbox: box.id, settings: box.settings }],
      workflowTaskTimeout: '3 seconds',
    });
    await box.exact(60_000);
    expect((await box.report()).failingTask).toBeNull();
    await first.end('SIGTERM');

    // A build that was changed without a patch.
    const { code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('../workflows/changed/index.ts', import.meta.url)),
      logger: new DefaultLogger('ERROR'),
    });
    const file = join(rig.folder, 'changed.js');
    writeFileSync(file, code);
    const careless = await rig.spawnWorker({ TIDEMARK_WORKFLOW_BUNDLE: file });
    await box.client.poke(box.id);
    const failing = await eventually(60_000, async () => (await box.report()).failingTask);
    expect(failing.attempt).toBeGreaterThan(2);

    const run = async (args: readonly string[]): Promise<{ code: number | null; text: string }> => {
      const { code: exitCode, stdout, stderr } = await new Program('cli/main.ts', args, rig.env).ended;
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

    for (const [ends, name, ...rest] of VERBS) {
      const told = await run([name, box.id, ...rest]);
      expect(told).toEqual({ code: 1, text: expect.stringContaining(ends) });
    }

    await careless.end('SIGTERM');
    await rig.startWorker();
    await eventually(90_000, async () => ((await box.report()).failingTask === null ? true : null));
  }, 360_000);
});
