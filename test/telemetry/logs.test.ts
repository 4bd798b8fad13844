import { Writable } from 'node:stream';
import { DatabaseSync } from 'node:sqlite';

import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../fixtures/host/eventually.ts';
import { Program } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';
import type { TestMailbox } from '../fixtures/system/test-mailbox.ts';

type Line = Readonly<Record<string, unknown>>;

describe('the log of a worker', () => {
  let rig: Rig;
  let box: TestMailbox;
  let worker: Program;
  let lines: Line[];

  beforeAll(async () => {
    rig = await Rig.open('logs', { logLevel: 'trace' });
    worker = await rig.spawnWorker();
    box = await rig.mailbox('logged', { messages: 20, pollInterval: 60_000 });
    box.deliver('a very private subject');
    await box.start();
    await box.exact(30_000);
    rig.simulator.revoke(box.id);
    await box.client.poke(box.id);
    await box.reaches('needs-consent', 30_000);
    await eventually(30_000, async () => (worker.stderr.includes('phase needs-consent') ? true : null));
    lines = (await worker.end('SIGTERM')).stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  });
  afterAll(() => rig.close());

  it('names mailbox, workflow and run in every line about a workflow or an activity', () => {
    const [run] = new Set(lines.flatMap(({ runId }) => (typeof runId === 'string' ? [runId] : [])));
    const about = lines.filter((line) => line['workflowType'] !== undefined || line['activityType'] !== undefined);
    expect(about.length).toBeGreaterThan(10);
    for (const line of about)
      expect(line).toMatchObject({ mailbox: box.id, workflowId: `mailbox/${box.id}`, runId: run });
    expect(new Set(about.map((line) => line['sdkComponent']))).toEqual(new Set(['worker', 'workflow', 'activity']));
  });

  it('has the phases of a mailbox, its listings and its failures', () => {
    const said = (message: string) => lines.find(({ msg }) => msg === message);
    expect(said('phase live')).toMatchObject({ level: 30, phase: 'live', before: 'full-sync' });
    expect(said('phase needs-consent')).toMatchObject({ level: 30, before: 'live' });
    expect(said('fullSync completed')).toMatchObject({
      level: 30,
      activityType: 'fullSync',
      seconds: expect.any(Number),
      result: { generation: 1, failed: 0 },
    });
    expect(said('fetchSlice completed')).toMatchObject({ level: 20 });
    expect(said('Activity failed')).toMatchObject({
      level: 40,
      error: { message: expect.stringContaining(`Google no longer accepts the credentials of ${box.id}`) },
    });
  });

  it('says when the worker runs, what its stop means for work under way, and when it has ended', () => {
    const ofWorker = lines.filter(({ msg }) => typeof msg === 'string' && /^(worker|stopping)/.test(msg));
    expect(ofWorker).toMatchObject([
      { level: 30, msg: 'worker runs', taskQueue: rig.config.taskQueue, temporal: rig.env['TEMPORAL_ADDRESS'] },
      { level: 30, msg: 'stopping: activities under way are cut off, and continue on the next worker' },
      { level: 30, msg: 'worker ended' },
    ]);
  });

  it('says why a worker could not run', async () => {
    const env = { ...rig.env, DATABASE_URL: `sqlite:${rig.folder}` };
    const { code, stderr } = await new Program('worker.ts', [], env).ended;
    expect(code).toBe(1);
    const [line] = stderr.split('\n').filter((text) => text.includes('worker failed'));
    expect(JSON.parse(line ?? 'null')).toMatchObject({
      level: 60,
      msg: 'worker failed',
      error: { message: expect.stringMatching(/^The database .* could not be opened \(EISDIR\); check the folder/) },
    });
  }, 30_000);

  it('says that mailboxes could not be woken for a handler, and when these deliver', async () => {
    const damaged = await rig.mailbox('damaged-row', {});
    await rig.tidemark.store.putMailbox({ mailbox: damaged.id, settings: damaged.settings, now: 1 });
    const file = new DatabaseSync(rig.databaseFile);
    file.prepare('update mailboxes set settings = ? where id = ?').run('{', damaged.id);
    file.close();
    const heard: Line[] = [];
    const log = pino(
      { level: 'warn' },
      new Writable({
        write: (text: Buffer, _encoding, done) => (heard.push(JSON.parse(text.toString()) as Line), done()),
      }),
    );
    await rig.startWorker(log, undefined, { crm: { handle: () => undefined } });
    const said = 'not every mailbox could be woken: those left deliver with their next sync';
    const warning = await eventually(30_000, async () => heard.find(({ msg }) => msg === said) ?? null);
    expect(warning).toMatchObject({ level: 40 });
  }, 60_000);

  it('holds no mail and no token', () => {
    expect(worker.stderr).not.toContain('private subject');
    expect(worker.stderr).not.toContain('taskToken');
    expect(rig.simulator.tokens.size).toBeGreaterThan(0);
    for (const token of rig.simulator.tokens) expect(worker.stderr).not.toContain(token);
  });
});
