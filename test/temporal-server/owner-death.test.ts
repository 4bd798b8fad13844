import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, inject, it } from 'vitest';

import { isAlive } from '../fixtures/host/is-alive.ts';

let dataDir: string;
let owners: ChildProcess[];
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidemark-owner-'));
  mkdirSync(join(dataDir, 'bin'));
  symlinkSync(inject('temporalBinary'), join(dataDir, 'bin', 'temporal'));
  owners = [];
});
afterEach(async () => {
  for (const owner of owners.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    owner.kill('SIGTERM');
    await once(owner, 'exit');
  }
  rmSync(dataDir, { recursive: true });
});

interface Started {
  readonly process: ChildProcess;
  readonly address: string;
  readonly owned: boolean;
  readonly pid: number;
}

async function startOwner(): Promise<Started> {
  const owner = spawn(process.execPath, [fileURLToPath(new URL('owner.ts', import.meta.url)), dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  owners.push(owner);
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  return { process: owner, ...(JSON.parse(line.toString()) as Omit<Started, 'process'>) };
}

it('a server does not outlive an owner that was killed', async () => {
  const owner = await startOwner();
  expect(isAlive(owner.pid)).toBe(true);
  owner.process.kill('SIGKILL');
  await expect.poll(() => isAlive(owner.pid), { timeout: 10_000 }).toBe(false);
});

it('two processes that come at the same moment share one server, and the one that is left takes it over', async () => {
  const [a, b] = await Promise.all([startOwner(), startOwner()]);
  expect([a.address, a.pid]).toEqual([b.address, b.pid]);
  expect(a.owned).not.toBe(b.owned);
  const [first, second] = a.owned ? [a, b] : [b, a];
  first.process.kill('SIGKILL');
  await expect.poll(() => isAlive(first.pid), { timeout: 10_000 }).toBe(false);
  const third = await startOwner();
  expect(third.address).toBe(second.address);
  expect(third.pid).not.toBe(first.pid);
});
