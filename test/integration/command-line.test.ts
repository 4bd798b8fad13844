import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { Program, type Ended } from '../fixtures/host/program.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';

const EMAIL = 'e2e@example.com';

describe('the command line, every part in a process of its own', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let simulator: Program;
  let worker: Program;
  let started: Ended;
  let gmail: string;
  let deletions = 0;
  const programs: Program[] = [];

  function begin(...args: string[]): Program {
    const program = new Program('cli/main.ts', args, env);
    programs.push(program);
    return program;
  }
  const tidemark = (...args: string[]): Promise<Ended> => begin(...args).ended;

  async function control(command: string, body: object): Promise<unknown> {
    const response = await fetch(`${gmail}/simulator/${command}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: EMAIL, ...body }),
    });
    expect(response.status, command).toBe(200);
    return response.json();
  }

  interface Truth {
    readonly messages: readonly {
      id: string;
      threadId: string;
      labelIds: string[];
      historyId: string;
      internalDate: number;
      sizeEstimate: number;
      raw: string;
    }[];
    readonly labels: readonly { id: string; name: string }[];
  }

  /** What `export` should print for what Gmail holds now. */
  async function truth(): Promise<object[]> {
    const { messages, labels } = (await (await fetch(`${gmail}/simulator/truth?email=${EMAIL}`)).json()) as Truth;
    const names = new Map(labels.map(({ id, name }) => [id, name]));
    return messages.map(({ id, threadId, labelIds, historyId, internalDate, sizeEstimate, raw }) => ({
      id,
      threadId,
      labelIds,
      historyId,
      internalDate,
      sizeEstimate,
      labels: labelIds.map((label) => names.get(label)),
      raw,
    }));
  }

  async function exported(): Promise<object[]> {
    const { code, stdout } = await tidemark('export', EMAIL);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string });
    return lines.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-e2e-'));
    env = {
      HOME: folder,
      TIDEMARK_DATA_DIR: folder,
      DATABASE_URL: `sqlite:${join(folder, 'mail.sqlite')}`,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TIDEMARK_TASK_QUEUE: `e2e-${process.pid}`,
      GMAIL_USER_UNITS_PER_MINUTE: '1000000',
    };
    simulator = begin(
      'simulate',
      '--port',
      '0',
      '--messages',
      '300',
      '--email',
      EMAIL,
      '--credentials',
      folder,
      '--json',
    );
    gmail = (await simulator.says(/"url":"([^"]+)"/))[1] ?? '';
    Object.assign(env, { GMAIL_ROOT_URL: gmail, GOOGLE_TOKEN_URL: `${gmail}/token` });
    // Without TIDEMARK_WORKFLOW_BUNDLE: this worker bundles its workflows itself. The next one is given them.
    worker = begin('worker');
    await control('messages', { raw: 'Subject: a separator\r\n\r\nFrom here on\r\n', labelIds: ['INBOX', 'UNREAD'] });
    expect(await tidemark('connect', EMAIL, '--credentials', join(folder, `${EMAIL}.json`))).toMatchObject({ code: 0 });
    started = await tidemark('start', EMAIL, '--format', 'raw', '--wait', '--json');
  }, 60_000);
  afterAll(async () => {
    await Promise.all(programs.map((program) => program.end('SIGTERM')));
    rmSync(folder, { recursive: true });
  });

  it('brings a mailbox into the store, exactly', async () => {
    expect(started).toMatchObject({ code: 0 });
    expect(JSON.parse(started.stdout)).toMatchObject({
      mailbox: EMAIL,
      phase: 'live',
      inSync: true,
      counts: { pending: 0, failed: 0 },
    });
    expect(await exported()).toEqual(await truth());
  });

  it('brings changes into the store after a worker is killed and replaced', async () => {
    const [first, second, third] = (await truth()) as { id: string }[];
    const created = (await control('labels', { name: 'Später' })) as { id: string };
    await control('modify', { ids: [first?.id, second?.id], add: [created.id, 'STARRED'] });
    await control('labels/rename', { id: created.id, name: 'Viel später' });
    await control('delete', { ids: [third?.id] });
    deletions += 1;
    await worker.end('SIGKILL');
    await control('messages', { raw: 'Subject: nobody works\r\n\r\nMeanwhile\r\n', labelIds: ['INBOX', 'UNREAD'] });
    const waiting = begin('sync', EMAIL, '--wait', '--json');
    Object.assign(env, { TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath });
    worker = begin('worker');
    const { code, stdout } = await waiting.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ synced: true, inSync: expect.any(Boolean) });
    expect(await exported()).toEqual(await truth());
  }, 60_000);

  it('exports mbox, and stops quietly when the reader closes the pipe', async () => {
    const mbox = await tidemark('export', EMAIL, '--format', 'mbox');
    expect(mbox.stdout.match(/^From tidemark@localhost /gm)).toHaveLength((await truth()).length);
    expect(mbox.stdout).toContain('\n>From here on\r\n');
    const cut = begin('export', EMAIL);
    await cut.says(/\n/);
    cut.child.stdout?.destroy();
    expect(await cut.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('lists and describes the mailbox', async () => {
    expect(JSON.parse((await tidemark('list', '--json')).stdout)).toMatchObject({
      mailboxes: expect.arrayContaining([expect.objectContaining({ mailbox: EMAIL, phase: 'live' })]),
    });
    const { stdout } = await tidemark('status', EMAIL);
    const shown =
      String.raw`phase +live.*\n.*historyId +\d+\n.*stored +\d+\n.*pending +0\n.*failed +0\n` +
      String.raw`.*gone +${deletions}\n.*units used +[\d,]+ in`;
    expect(stdout).toMatch(new RegExp(shown, 's'));
    const changes = (await tidemark('changes', EMAIL, '--json')).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { sequence: number });
    expect(changes.map(({ sequence }) => sequence)).toEqual(changes.map((_, index) => index + 1));
  });

  it('stops the mailbox and keeps its mail', async () => {
    expect(JSON.parse((await tidemark('stop', EMAIL, '--json')).stdout)).toEqual({ mailbox: EMAIL, stopped: true });
    expect(JSON.parse((await tidemark('status', EMAIL, '--json')).stdout)).toMatchObject({ phase: 'stopped' });
    expect(await exported()).toEqual(await truth());
  });

  it('ends a worker that still waits for its server', async () => {
    const waiting = new Program('cli/main.ts', ['worker'], {
      ...env,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    });
    programs.push(waiting);
    await waiting.says(/cannot be used yet; trying again/);
    expect(await waiting.end('SIGTERM')).toMatchObject({ code: 0 });
  });

  it('drains the worker on SIGTERM and ends with 0', async () => {
    await worker.says(/worker runs/);
    const before = performance.now();
    expect(await worker.end('SIGTERM')).toMatchObject({ code: 0 });
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
