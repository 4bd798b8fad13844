import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { root, runHere, snippets, start, testsThatRun } from '../fixtures/docs/snippets.ts';
import { hurriedClock } from '../fixtures/host/hurried-clock.ts';
import { Rig } from '../fixtures/system/rig.ts';

// test/docs/comment-examples.test.ts compiles them.
describe('the programs of the pages', () => {
  it('are found, and their first line notes at most a file name, or that they keep running', () => {
    expect(snippets.length).toBeGreaterThan(8);
    expect(snippets.filter(({ note }) => !/^(?:|keeps running|[\w-]+\.ts)$/.test(note))).toEqual([]);
  });

  it.each(testsThatRun)('in $page are run by its own test', ({ page, test }) => {
    expect(existsSync(join(root, test))).toBe(true);
    expect(readFileSync(join(root, test), 'utf8')).toContain(`new Page('${page}')`);
  });
});

describe('programs of the pages that end', () => {
  let rig: Rig;
  let address: string;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-snippets-'));
    mkdirSync(join(folder, '.tidemark'));
    rig = await Rig.open('snippets', { env: { TIDEMARK_DATA_DIR: join(folder, '.tidemark') } });
    await rig.startWorker(createLog('silent'), hurriedClock);
    const box = await rig.mailbox('snippets', { messages: 20, format: 'full' });
    await box.start();
    await box.exact(30_000);
    address = box.id;
  });
  afterAll(async () => {
    await rig.close();
    rmSync(folder, { recursive: true });
  });

  it.each(runHere.filter(({ note }) => note !== 'keeps running'))(
    'succeed and print something: $page, $heading',
    async (snippet) => {
      const here = (code: string): string => code.replaceAll('ada@example.com', address);
      const { code, stdout, stderr } = await start(snippet, { folder, env: rig.env, here }).ended;
      expect(code, stderr).toBe(0);
      expect(stdout).not.toBe('');
    },
  );
});
