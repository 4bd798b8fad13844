import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { createLog } from '../../src/host/log.ts';
import { runWorker } from '../../src/worker.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { System } from '../fixtures/system/system.ts';

describe('a database other than that of the mailbox', () => {
  let system: System;
  let email: string;
  let other: NodeJS.ProcessEnv;

  beforeAll(async () => {
    system = await System.open('other-database', { messages: 20 });
    email = system.mailbox;
    const folder = String(system.env['TIDEMARK_DATA_DIR']);
    other = { ...system.env, DATABASE_URL: `sqlite:${join(folder, 'other', 'mail.sqlite')}` };
    await tidemark(other, 'migrate');
    await system.startWorker();
    await tidemark(system.env, 'start', email, '--wait');
  }, 60_000);
  afterAll(() => system.close());

  async function withWorkerOn<Result>(env: NodeJS.ProcessEnv, work: () => Promise<Result>): Promise<Result> {
    const worker = await runWorker({ config: loadConfig({ env }), log: createLog('silent'), clock: hurriedClock });
    try {
      return await work();
    } finally {
      await worker.stop();
    }
  }

  /** How many signals and updates the workflow got in its present run. */
  async function signals(): Promise<number> {
    const { events } = await system.tidemark.temporal.workflow.getHandle(`mailbox/${email}`).fetchHistory();
    return (events ?? []).filter(
      (event) =>
        event.workflowExecutionSignaledEventAttributes != null ||
        event.workflowExecutionUpdateAcceptedEventAttributes != null,
    ).length;
  }

  it.each([
    ['status'],
    ['sync'],
    ['sync', '--wait'],
    ['configure', '--poll-interval', '5m'],
    ['audit'],
    ['pause'],
    ['resume'],
    ['resync'],
    ['failures', '--retry'],
    ['remove', '--yes'],
    ['rename', 'elsewhere@example.com', '--force'],
  ])('is an error for tidemark %s, which sends nothing to the workflow', async (verb, ...more) => {
    const before = await signals();
    const { code, stdout, stderr } = await tidemark(other, verb, email, ...more);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `tidemark: ${email} is mirrored in another database than the one that is open here. ` +
        'Name the right one in DATABASE_URL. If this one shall take its place: ' +
        `tidemark stop ${email}, then tidemark start ${email}\n`,
    });
    expect(await signals()).toBe(before);
  });

  it('gets the credentials from connect, which says that the workflow does not use them', async () => {
    const file = join(String(system.env['TIDEMARK_DATA_DIR']), 'grant.json');
    writeFileSync(file, JSON.stringify(await system.report<object>('credentials')));
    const { code, stdout } = await tidemark(other, 'connect', email, '--credentials', file);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `Its workflow does not use them: ${email} is mirrored in another database than the one that is open here. ` +
        'Name the right one in DATABASE_URL. ',
    );
  });

  it('is an error for a worker, which changes nothing, and the mailbox goes on once it is resumed', async () => {
    const { client } = system.tidemark;
    await system.stopWorker();
    await client.poke(system.mailbox);
    await withWorkerOn(other, async () => {
      await expect
        .poll(async () => (await client.status(system.mailbox)).blocked, { timeout: 30_000 })
        .toMatchObject({
          message: expect.stringMatching(
            /is mirrored in another database than the one that this worker has: nothing was read or changed/,
          ),
          remedy: { kind: 'take-place', mailbox: system.mailbox, resumes: true },
        });
    });
    expect(JSON.parse((await tidemark(other, 'list', '--json')).stdout)).toMatchObject({
      mailboxes: expect.arrayContaining([
        expect.objectContaining({ mailbox: email, phase: 'failed', counts: expect.objectContaining({ stored: 0 }) }),
      ]),
    });
    await system.startWorker();
    await client.resume(system.mailbox);
    const { id } = await system.deliver('after all');
    await client.sync(system.mailbox, { wait: true });
    expect((await system.stored()).has(id)).toBe(true);
  }, 90_000);

  it('is no error once the mailbox was moved to it, and then the former database is', async () => {
    const { client } = system.tidemark;
    await client.pause(system.mailbox);
    await expect.poll(async () => (await client.status(system.mailbox)).phase, { timeout: 20_000 }).toBe('paused');
    await system.stopWorker();
    const before = await system.gets();
    const [from, to] = [system.config.database.location, other['DATABASE_URL']];
    const path = from.kind === 'sqlite' ? from.path : '';
    expect(await tidemark(other, 'move', '--from', `sqlite:${path}`, '--to', String(to))).toMatchObject({ code: 0 });
    const env = { ...other, TIDEMARK_SECRET_KEY_FILE: path.replace(/\.sqlite$/, '.key') };
    await withWorkerOn(env, async () => {
      expect(await tidemark(env, 'resume', email)).toMatchObject({ code: 0 });
      expect(await tidemark(env, 'sync', email, '--wait')).toMatchObject({ code: 0, stderr: '' });
      expect(await tidemark(system.env, 'status', email, '--json')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('"code":"other-database"'),
      });
    });
    expect(await system.gets()).toBe(before);
  }, 90_000);
});
