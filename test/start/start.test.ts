import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { connectMailbox } from '../../src/accounts/connect-mailbox.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { openStoresOf } from '../../src/storage/open-stores.ts';
import { closeStores } from '../../src/store/open-store.ts';
import { startSimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';
import { type Ended, Program } from '../fixtures/host/program.ts';
import { tidemark } from '../fixtures/system/cli.ts';
import { openNamespace } from '../fixtures/system/own-namespace.ts';

/** How a program ended, without the lines of progress that it prints to stderr every five seconds. */
async function outcomeOf(program: Program): Promise<Ended> {
  const { stderr, ...ended } = await program.ended;
  return { ...ended, stderr: stderr.replaceAll(/^[█░].*\n/gm, '') };
}

/** Lets the program pick free ports. */
const ANY_PORTS = ['--port', '0', '--ui-port', '0', '--simulator-port', '0'];

describe('npm start', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const programs: Program[] = [];

  const start = (...args: string[]): Program => {
    const program = new Program('start/main.ts', [...ANY_PORTS, '--messages', '200', ...args], env);
    programs.push(program);
    return program;
  };

  /** Where a test is about no Temporal server of its own: a namespace on the one that all tests share. */
  async function onSharedServer(name: string): Promise<NodeJS.ProcessEnv> {
    const namespace = `${name}-${process.pid}`;
    await openNamespace(namespace);
    return { TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: namespace };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-start-'));
    env = {
      HOME: folder,
      TIDEMARK_DATA_DIR: folder,
      TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath,
      PATH: `${dirname(inject('temporalBinary'))}${delimiter}${process.env['PATH'] ?? ''}`,
    };
  });
  afterAll(async () => {
    for (const program of programs) program.child.kill('SIGKILL');
    await Promise.all(programs.map((program) => program.ended));
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  it('brings a simulated mailbox in sync and ends with a summary (--once)', async () => {
    const { code, stdout, stderr } = await outcomeOf(start('--once'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/its UI +http:\/\/localhost:\d+/);
    expect(stdout).toMatch(/messages +\d+ stored, 0 failed, 0 gone/);
    expect(stdout).toMatch(/0 rejected/);
  }, 60_000);

  it('resumes where it was, follows live changes, and lets a second npm start join', async () => {
    const first = start();
    await first.says(/is in sync/);
    // The simulated mailbox changes by itself.
    await first.says(/store +#\d+ +(stored|labels|gone)/);
    const second = start();
    await second.says(/runs already here, as process \d+: joining it/);
    await second.says(/store +#\d+/);
    const third = new Program('start/main.ts', [...ANY_PORTS, '--messages', '100'], env);
    programs.push(third);
    await third.says(
      /It serves ada\+200@example\.com: --messages and --mbox change nothing here\. To use them, stop it first/,
    );
    await third.says(/is in sync: \d+ messages/);
    const { stdout: saidByThird } = await third.end('SIGINT');
    expect(saidByThird).toMatch(/This one has ended\. npm start \(process \d+\) still runs/);
    expect(saidByThird).not.toContain('Stopped.');
    const status = new Program('cli/main.ts', ['status', 'ada+200@example.com', '--json'], env);
    const { code, stdout } = await status.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ phase: 'live', generation: 1, recoveries: 0, counts: { failed: 0 } });
    // The mailbox is simulated: a command in another terminal that asks for its labels is not sent to Google.
    const configured = new Program(
      'cli/main.ts',
      ['configure', 'ada+200@example.com', '--label', 'No such label'],
      env,
    );
    expect(await configured.ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/ada\+200@example\.com has no label "No such label"\. Its own labels: /),
    });
    expect(await tidemark(env, 'doctor')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok +Gmail +http:\/\/127\.0\.0\.1:\d+ answers\.$/m),
    });
    // A worker in another terminal takes its part of the simulated mailbox, and is not sent to Google either.
    const worker = new Program('cli/main.ts', ['worker'], env);
    programs.push(worker);
    await worker.says(/worker runs/);
    for (let round = 0; round < 6; round++) {
      const synced = await tidemark(env, 'sync', 'ada+200@example.com', '--wait', '--json');
      expect(synced).toMatchObject({ code: 0, stderr: '' });
    }
    await worker.end('SIGTERM');
    const before = performance.now();
    expect(await first.end('SIGINT')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The next npm start goes on from here.'),
    });
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(await second.ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('has ended, and this one with it'),
    });
  }, 90_000);

  it('ends with 3 for failed messages where --once --fail-on-failures asks for it, else with 0', async () => {
    const ada = mailboxId('ada@example.com');
    const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-start-failures-'));
    const simulator = new Simulator({ clock: systemClock });
    const gmail = simulator.addMailbox(ada);
    const [message] = Array.from({ length: 3 }, (_, n) =>
      gmail.insert({ raw: `Subject: ${n}\r\n\r\nhello\r\n`, labelIds: ['INBOX'] }),
    );
    gmail.poison(message?.id ?? '', 400);
    const server = await startSimulatorServer({ simulator, port: 0 });
    try {
      const own = {
        ...env,
        ...(await onSharedServer('start-failures')),
        HOME: dataDir,
        TIDEMARK_DATA_DIR: dataDir,
        GMAIL_ROOT_URL: server.url,
        GOOGLE_TOKEN_URL: `${server.url}/token`,
      };
      const config = loadConfig({ env: own });
      const stores = await openStoresOf(config);
      await connectMailbox({
        config,
        stores,
        mailbox: ada,
        clock: systemClock,
        text: JSON.stringify(simulator.grant(ada)),
        verify: false,
      });
      await closeStores(stores);
      const once = (...args: string[]): Promise<Ended> => {
        const program = new Program('start/main.ts', [...ANY_PORTS, '--once', ...args], own);
        programs.push(program);
        return outcomeOf(program);
      };
      expect(await once('--fail-on-failures')).toMatchObject({
        code: 3,
        stdout: expect.stringMatching(/2 stored, 1 failed/),
        stderr: `npm start: 1 message of ${ada} could not be fetched: tidemark failures ${ada}\n`,
      });
      expect(await once()).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await server.close();
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  }, 90_000);

  it('says what to do about an unreadable journal and a missing mbox file, and that helps', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-start-journal-'));
    const journal = join(dataDir, 'simulator', 'ada@example.com.jsonl');
    mkdirSync(dirname(journal));
    writeFileSync(journal, 'shopping list\n');
    const own = { ...env, ...(await onSharedServer('start-journal')), HOME: dataDir, TIDEMARK_DATA_DIR: dataDir };
    const once = (...args: string[]): Promise<Ended> => {
      const program = new Program('start/main.ts', [...ANY_PORTS, '--once', ...args], own);
      programs.push(program);
      return outcomeOf(program);
    };
    try {
      expect(await once()).toMatchObject({
        code: 1,
        stderr:
          `npm start: ${journal} is not a journal that this version of the simulator can read. ` +
          'Restore it, or begin another mailbox, with another number of messages or another mbox file.\n',
      });
      const mbox = join(dataDir, 'nowhere.mbox');
      expect(await once('--mbox', mbox)).toMatchObject({
        code: 1,
        stderr: `npm start: ${mbox} does not exist. Name an mbox file, or a folder of .eml files.\n`,
      });
      expect(await once('--messages', '5')).toMatchObject({ code: 0, stderr: '' });
      expect(await once()).toMatchObject({ code: 0, stdout: expect.stringContaining('ada+5@example.com') });
    } finally {
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    }
  }, 120_000);

  it('says in its help which files of mail it takes', async () => {
    const { code, stdout } = await start('--help').ended;
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toContain('an mbox file (Google Takeout) or a folder of .eml files');
  });

  it('ends with 2 for a bad flag', async () => {
    expect(await start('--fast').ended).toMatchObject({ code: 2 });
  });
});
