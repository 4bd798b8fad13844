import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';
import { tidemark } from '../fixtures/system/cli.ts';

const API_OFF = {
  kind: 'status',
  status: 403,
  reason: 'accessNotConfigured',
  message: 'Gmail API has not been used in project 1 before or it is disabled.',
} as const;

describe('tidemark start on a mailbox that runs', () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await Rig.open('start-blocked');
    await rig.startWorker();
  });
  afterAll(() => rig.close());

  async function run(args: readonly string[]) {
    const { code, stdout } = await tidemark(rig.env, ...args);
    return { code, stdout };
  }
  const start = ({ id }: TestMailbox, ...args: string[]) => run(['start', id, ...args]);

  const reaches = (box: TestMailbox, phase: string): Promise<true> =>
    eventually(30_000, async () => ((await box.report()).phase === phase ? true : null));

  it('wakes a live one, and says so', async () => {
    const box = await rig.mailbox('live', { messages: 3 });
    await box.start();
    await box.exact(20_000);
    expect(await start(box)).toEqual({ code: 0, stdout: `${box.id} runs already; it was woken.\n` });
    const { stdout } = await start(box, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      mailbox: box.id,
      started: false,
      wasRunning: true,
      phase: 'live',
      blocked: null,
    });
  }, 60_000);

  it('says that a paused one stays paused, and how to resume it, as do other verbs', async () => {
    const box = await rig.mailbox('paused', { messages: 3 });
    await box.start();
    await box.client.pause(box.id);
    await reaches(box, 'paused');
    const { code, stdout } = await start(box);
    expect(code).toBe(0);
    expect(stdout).toBe(`${box.id} runs already, but it is paused. Continue with: tidemark resume ${box.id}\n`);
    const paused = `it is paused. Continue with: tidemark resume ${box.id}\n`;
    expect((await run(['sync', box.id])).stdout).toBe(`${box.id} will be synchronised, but not yet: ${paused}`);
    expect((await run(['resync', box.id])).stdout).toBe(
      `${box.id} will be listed again and corrected, but not yet: ${paused}`,
    );
    expect((await run(['configure', box.id, '--poll-interval', '5m'])).stdout).toContain(
      `\nThey do not take effect yet: ${paused}`,
    );
  }, 60_000);

  it('gives phase, reason, remedy and next attempt of one that Gmail refuses', async () => {
    const box = await rig.mailbox('refused', { messages: 3 });
    rig.simulator.faults.add({ match: { email: box.id }, effect: API_OFF });
    await box.start();
    await reaches(box, 'failed');
    const { code, stdout } = await start(box);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        String.raw`it is in phase failed, and asks by itself at 2\S+ \S+Z \(in ` +
          String.raw`\w+\)\. Gmail does not serve \S+: the Gmail API is not enabled ` +
          String.raw`.*\(SERVICE_DISABLED\).*Ask Gmail again at once: tidemark resume \S+\n$`,
      ),
    );
    expect(JSON.parse((await start(box, '--json')).stdout)).toMatchObject({
      phase: 'failed',
      blocked: { message: expect.stringContaining('SERVICE_DISABLED'), retryAt: expect.any(Number) },
    });
  }, 60_000);

  it('says that the owner must consent when the grant was revoked', async () => {
    const box = await rig.mailbox('revoked', { messages: 3 });
    rig.simulator.revoke(box.id);
    await box.start();
    await reaches(box, 'needs-consent');
    const { code, stdout } = await start(box);
    expect(code).toBe(0);
    expect(stdout).toMatch(/it is in phase needs-consent, and asks by itself at 2.*tidemark login \S+ --client FILE/);
  }, 60_000);
});

it('start, pause, resume and stop say that nothing happens without a worker', async () => {
  const rig = await Rig.open('start-workerless');
  try {
    const fresh = await rig.mailbox('fresh', { messages: 3 });
    expect(await tidemark(rig.env, 'start', fresh.id)).toMatchObject({
      code: 0,
      stdout:
        `${fresh.id} is started, but no worker has been seen lately. ` +
        'If none runs, start one: tidemark worker, or npm start in a checkout\n',
    });
    const box = await rig.mailbox('workerless', { messages: 3 });
    await box.start();
    expect(await tidemark(rig.env, 'start', box.id)).toMatchObject({
      code: 0,
      stdout:
        `${box.id} runs already, but no worker answered for it. ` +
        'If none runs, start one: tidemark worker, or npm start in a checkout\n',
    });
    for (const [verb, words] of [
      ['pause', /is asked to pause, and does so once a worker answers/],
      ['resume', /is asked to go on, and does so once a worker answers\. If none runs/],
      ['stop', /is asked to stop, and has not ended yet/],
    ] as const) {
      const { code, stdout } = await tidemark(rig.env, verb, box.id);
      expect(code).toBe(0);
      expect(stdout).toMatch(words);
    }
  } finally {
    await rig.close();
  }
}, 60_000);
