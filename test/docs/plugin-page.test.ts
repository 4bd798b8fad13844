import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { temporalAddressOf } from '../../src/temporal/connect.ts';
import { Page } from '../fixtures/docs/page.ts';
import { HOST_ENV, Printing } from '../fixtures/host/program.ts';
import { Rig } from '../fixtures/system/rig.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

let rig: Rig;
let folder: string;
let worker: Printing;

/** A product's project: the programs of the page, and Tidemark as an installed package, here this checkout's source. */
beforeAll(async () => {
  rig = await Rig.open('plugin-page');
  folder = mkdtempSync(join(tmpdir(), 'tidemark-plugin-page-'));
  const installed = join(folder, 'node_modules', 'tidemark');
  mkdirSync(installed, { recursive: true });
  symlinkSync(join(root, 'src'), join(installed, 'src'));
  symlinkSync(join(root, 'node_modules', '@temporalio'), join(folder, 'node_modules', '@temporalio'));
  const entries = ['worker', 'workflows'].map((name) => [`./${name}`, `./src/exports/${name}.ts`]);
  const exports = { '.': './src/index.ts', ...Object.fromEntries(entries) };
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'tidemark', type: 'module', exports }));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  for (const { note, code } of new Page('plugin.md').blocks())
    writeFileSync(join(folder, note), code.replace('localhost:7233', temporalAddressOf(rig.config)));
  worker = new Printing(
    spawn(process.execPath, ['worker.ts'], {
      cwd: folder,
      env: { ...HOST_ENV, ...rig.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
});
afterAll(async () => {
  await worker.end('SIGKILL');
  await rig.close();
  rmSync(folder, { recursive: true });
});

it('the worker of docs/plugin.md runs its own workflow and a mailbox, and ends on SIGINT', async () => {
  await worker.says(/worker runs/);
  const workflowId = `plugin-page-${process.pid}`;
  const { taskQueue } = rig.config;
  const { workflow } = rig.tidemark.temporal;
  expect(await workflow.execute('welcome', { workflowId, taskQueue, args: ['Ada'] })).toBe('Hello Ada');
  const box = await rig.mailbox('page', { messages: 20 });
  await box.start();
  await box.exact(30_000);
  expect(await worker.end('SIGINT')).toMatchObject({ code: 0 });
}, 90_000);
