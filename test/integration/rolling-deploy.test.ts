import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { setCurrentVersion } from '../../src/client/current-version.ts';
import { BuildNotReadyError } from '../../src/client/errors.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { eventually } from '../fixtures/host/eventually.ts';
import { Program, type Ended } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

const DEPLOYMENT = `deployment-${process.pid}`;

describe('a rolling deploy', () => {
  let rig: Rig;
  let bundles: Record<string, string>;
  beforeAll(async () => {
    rig = await Rig.open('rolling');
    const bundle = async (name: string, path: string): Promise<string> => {
      const { code } = await bundleWorkflowCode({
        workflowsPath: fileURLToPath(new URL(path, import.meta.url)),
        logger: new DefaultLogger('ERROR'),
      });
      const file = join(rig.folder, `${name}.js`);
      writeFileSync(file, code);
      return file;
    };
    bundles = {
      v1: (await workflowBundle()).codePath,
      v2: await bundle('v2', '../workflows/next/index.ts'),
    };
  });
  afterAll(() => rig.close());

  const versionEnv = (buildId: string): NodeJS.ProcessEnv => ({
    TIDEMARK_DEPLOYMENT: DEPLOYMENT,
    TIDEMARK_BUILD_ID: buildId,
    TIDEMARK_WORKFLOW_BUNDLE: bundles[buildId],
  });
  const spawn = (buildId: string): Promise<Program> => rig.spawnWorker(versionEnv(buildId));
  const makeCurrent = (buildId: string | null): Promise<void> =>
    setCurrentVersion({
      temporal: rig.tidemark.temporal,
      address: 'the server',
      clock: systemClock,
      version: { deploymentName: DEPLOYMENT, buildId },
    });

  /** A worker's first polls reach the server some milliseconds after it says that it runs. */
  const makeCurrentSoon = (buildId: string): Promise<true> =>
    eventually(
      20_000,
      () =>
        makeCurrent(buildId).then(
          () => true as const,
          () => null,
        ),
      () => `${buildId} does not become current`,
    );

  /** The builds that completed workflow tasks, in order, with repetitions in a row left out. */
  async function builds(box: TestMailbox): Promise<string[]> {
    const seen = (await box.runs())
      .flatMap(({ history }) => history.events ?? [])
      .flatMap((event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? []);
    return seen.filter((build, index) => build !== seen[index - 1]);
  }

  const drained = async (worker: Program): Promise<number> => {
    const began = performance.now();
    expect(await worker.end('SIGTERM')).toMatchObject({ code: 0 } satisfies Partial<Ended>);
    return performance.now() - began;
  };

  it('takes a mailbox mid-backfill to the next build and back, with both running, and loses nothing', async () => {
    const first = await spawn('v1');
    await makeCurrentSoon('v1');
    const box = await rig.mailbox('rolling', { messages: 1_000, threadSize: 1, pollInterval: 700 });
    const slow = rig.simulator.faults.add({
      match: { email: box.id, method: 'batch' },
      effect: { kind: 'slow', ms: 2_500 },
    });
    await box.start();
    await eventually(60_000, async () => ((await box.report()).counts.stored > 60 ? true : null));
    expect(await box.handle.query('release').catch((error: unknown) => String(error))).toMatch(/not register|did not/i);

    const second = await spawn('v2');
    await makeCurrentSoon('v2');
    box.deliver('while two builds run');
    await eventually(20_000, async () =>
      (await box.handle.query('release').catch(() => null)) === 'next' ? true : null,
    );
    expect(await drained(first)).toBeLessThan(10_000);
    // Another worker takes over the drained one's activities long before their heartbeats would be missed.
    const { stored } = (await box.report()).counts;
    expect(stored).toBeLessThan(950);
    await eventually(10_000, async () => ((await box.report()).counts.stored > stored ? true : null));
    slow.remove();

    let noWorker = 0;
    await box.client.sync(box.id, { wait: true, onNoWorker: () => noWorker++ });
    expect(noWorker).toBe(0);

    const again = await spawn('v1');
    const command = new Program('cli/main.ts', ['set-current-version', '--json'], { ...rig.env, ...versionEnv('v1') });
    const { code, stdout, stderr } = await command.ended;
    expect({ code, stderr, said: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      stderr: '',
      said: { deployment: DEPLOYMENT, buildId: 'v1' },
    });
    expect(await drained(second)).toBeLessThan(10_000);
    box.deliver('after the way back');
    const report = await box.exact(60_000);
    expect(report.fullSyncs).toBe(1);
    expect(await builds(box)).toEqual(['v1', 'v2', 'v1']);
    expect(await box.workflowFailures()).toEqual([]);

    expect(await drained(again)).toBeLessThan(10_000);
  }, 120_000);

  it('refuses to make a build current that no worker has', async () => {
    await expect(makeCurrent('v9')).rejects.toBeInstanceOf(BuildNotReadyError);
    await expect(makeCurrent('v9')).rejects.toThrow(/No worker of deployment-\d+ with build id "v9" polls yet/);
  });
});
