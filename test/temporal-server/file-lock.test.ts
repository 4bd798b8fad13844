import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { systemClock as clock } from '../../src/host/system-clock.ts';
import { withFileLock } from '../../src/host/file-lock.ts';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tidemark-lock-'));
  file = join(directory, 'a', 'lock');
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const silent = { clock, onWait: () => undefined };

it('one holder at a time has the lock, and a holder that fails releases it', async () => {
  const events: string[] = [];
  const hold = (name: string) =>
    withFileLock(file, { clock, onWait: () => events.push(`${name} waits`) }, async () => {
      events.push(`${name} begins`);
      await clock.sleep(20);
      events.push(`${name} ends`);
      if (name === 'first') throw new Error('failed');
    });
  const first = hold('first');
  const second = hold('second');
  await expect(first).rejects.toThrow('failed');
  await second;
  expect(events).toEqual(['first begins', 'second waits', 'first ends', 'second begins', 'second ends']);
});

it('a holder that is killed leaves no lock behind', async () => {
  const module = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
  const code = `
    import { systemClock as clock } from ${module('host/system-clock.ts')};
    import { withFileLock } from ${module('host/file-lock.ts')};
    await withFileLock(${JSON.stringify(file)}, { clock, onWait() {} }, () => {
      console.log('held');
      return clock.sleep(60_000);
    });`;
  const holder = spawn(process.execPath, ['--input-type=module-typescript', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  let waited = false;
  const next = withFileLock(file, { clock, onWait: () => (waited = holder.kill('SIGKILL')) }, () =>
    Promise.resolve('mine'),
  );
  expect(await next).toBe('mine');
  expect(waited).toBe(true);
});

it('waiting for the lock can be aborted', async () => {
  const giveUp = new AbortController();
  await withFileLock(file, silent, async () => {
    const waiting = withFileLock(
      file,
      { clock, signal: giveUp.signal, onWait: () => giveUp.abort(new Error('enough')) },
      () => Promise.resolve(),
    );
    await expect(waiting).rejects.toThrow('enough');
  });
});
