import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { freePort } from '../../src/temporal-server/index.ts';
import { Program } from '../integration/processes.ts';

describe('npm start', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let ports: string[];
  const programs: Program[] = [];

  const start = (...args: string[]): Program => {
    const program = new Program('start.ts', [...ports, '--messages', '200', ...args], env);
    programs.push(program);
    return program;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-start-'));
    env = { HOME: folder, TIDEMARK_DATA_DIR: folder, PATH: `${dirname(inject('temporalBinary'))}${delimiter}${process.env['PATH'] ?? ''}` };
    ports = ['--port', String(await freePort(0)), '--ui-port', String(await freePort(0)), '--simulator-port', String(await freePort(0))];
  });
  afterAll(async () => {
    for (const program of programs) program.child.kill('SIGKILL');
    await Promise.all(programs.map((program) => program.ended));
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  });

  it('brings a simulated mailbox in sync and ends with a summary (--once)', async () => {
    const { code, stdout, stderr } = await start('--once').ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/its UI +http:\/\/localhost:\d+/);
    expect(stdout).toMatch(/messages +\d+ stored, 0 failed, 0 gone/);
    expect(stdout).toMatch(/0 rejected/);
  }, 60_000);

  it('resumes where it was, follows live changes, and lets a second one join', async () => {
    const first = start();
    await first.says(/is in sync/);
    // Nothing was fetched again: the units of the first run, and a few of its own.
    await first.says(/store +#\d+ +(stored|labels|gone)/);
    const second = start();
    await second.says(/runs already here, as process \d+: joining it/);
    await second.says(/store +#\d+/);
    const third = new Program('start.ts', [...ports, '--messages', '100'], env);
    programs.push(third);
    await third.says(/It serves ada\+200@example\.com: --messages and --mbox change nothing here\. To use them, stop it first/);
    await third.says(/is in sync: \d+ messages/);
    const { stdout: saidByThird } = await third.end('SIGINT');
    expect(saidByThird).toMatch(/This one has ended\. npm start \(process \d+\) still runs/);
    expect(saidByThird).not.toContain('Stopped.');
    const status = new Program('cli/main.ts', ['status', 'ada+200@example.com', '--json'], env);
    const { code, stdout } = await status.ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ phase: 'live', generation: 1, recoveries: 0, counts: { failed: 0 } });
    const before = performance.now();
    expect(await first.end('SIGINT')).toMatchObject({ code: 0, stdout: expect.stringContaining('The next npm start goes on from here.') });
    expect(performance.now() - before).toBeLessThan(10_000);
    expect(await second.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('has ended, and this one with it') });
  }, 90_000);

  it('ends with 2 for a bad flag', async () => {
    expect(await start('--fast').ended).toMatchObject({ code: 2 });
  });
});
