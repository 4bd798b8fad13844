import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import {
  databaseOf,
  readInstance,
  readLastInstance,
  writeInstance,
} from '../../src/temporal/dev-server/instance-file.ts';

let dataDir: string;
let child: ChildProcess;
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'tidemark-instance-'));
  // A process that was started with the directory's database, as a server is.
  child = spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)', databaseOf(dataDir)], { stdio: 'ignore' });
  await once(child, 'spawn');
});
afterEach(() => {
  child.kill('SIGKILL');
  rmSync(dataDir, { recursive: true });
});

const instance = () => ({ pid: child.pid ?? 0, address: '127.0.0.1:7233', uiUrl: 'http://localhost:8233' });

it('a running server is found, until it dies', async () => {
  expect(readInstance(dataDir)).toBeNull();
  writeInstance(dataDir, instance());
  expect(readInstance(dataDir)).toEqual(instance());
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(readInstance(dataDir)).toBeNull();
  expect(readLastInstance(dataDir)).toEqual(instance());
});

it('a process that has the id of a dead server is not taken for the server', () => {
  writeInstance(dataDir, { ...instance(), pid: process.pid });
  expect(readInstance(dataDir)).toBeNull();
});

it.each(['', '{"pid":12', '[]', 'null', '{"pid":"1","address":"a:1"}', '{"pid":-1,"address":"a:1"}', '{"pid":1}'])(
  'a file that holds %j names no server',
  (text) => {
    writeFileSync(join(dataDir, 'temporal.json'), text);
    expect(readInstance(dataDir)).toBeNull();
  },
);
