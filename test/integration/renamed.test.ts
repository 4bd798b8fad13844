import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { mailboxId, type MailboxId } from '../../src/model/ids.ts';
import { System } from '../fixtures/system/system.ts';
import { tidemark } from '../fixtures/system/cli.ts';

describe('the command line after a rename', () => {
  let system: System;
  let before: MailboxId;
  let after: MailboxId;
  let fetched = 0;

  beforeAll(async () => {
    system = await System.open('renamed-before', { messages: 20 });
    before = system.mailbox;
    after = mailboxId('renamed-after@example.com');
    await system.startWorker();
    expect((await run('start', before, '--poll-interval', '1h', '--wait')).code).toBe(0);
    await system.renameAtGoogle(after);
    const file = join(system.env['TIDEMARK_DATA_DIR'] ?? '', 'grant.json');
    writeFileSync(file, JSON.stringify(await system.report('credentials')));
    // connect compares new credentials with the mailbox, and so finds the new address.
    expect(await run('connect', before, '--credentials', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(
        ` Google calls its account ${after} now; rename it: tidemark rename ${before} ${after}.`,
      ),
    });
    expect(await run('sync', before, '--wait')).toMatchObject({ code: 0 });
    expect((await run('status', before)).stdout).toMatch(
      new RegExp(
        `account +its address at Google is ${after} \\(first seen 20.* ago\\)\\); ` +
          `rename it: tidemark rename ${before} ${after}\n`,
      ),
    );
    expect(await run('rename', before, after)).toEqual({
      code: 0,
      stderr: '',
      stdout: `${before} is now ${after}; its workflow goes on where it was.\n`,
    });
    fetched = await system.gets();
  }, 60_000);
  afterAll(() => system.close());

  const run = (...args: string[]) => tidemark(system.env, ...args);

  it('works under the new address in the same generation, and fetches nothing again', async () => {
    const { id } = await system.deliver('under the new address');
    expect(await run('sync', after, '--wait')).toMatchObject({ code: 0 });
    const status = await run('status', after, '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({
      mailbox: after,
      phase: 'live',
      renamedTo: null,
      generation: 1,
      settings: { pollInterval: 3_600_000 },
    });
    expect(await run('start', after)).toMatchObject({ code: 0, stdout: expect.stringContaining(after) });
    const changes = (await run('changes', after, '--json')).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { sequence: number; messageId: string });
    expect(changes.map(({ sequence }) => sequence)).toEqual(changes.map((_, index) => index + 1));
    expect(changes.at(-1)).toMatchObject({ messageId: id });
    const exported = (await run('export', after)).stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(new Set(exported)).toEqual(new Set((await system.truth()).keys()));
    expect(await run('pause', after)).toMatchObject({ code: 0 });
    expect(JSON.parse((await run('status', after, '--json')).stdout)).toMatchObject({ phase: 'paused' });
    expect(await run('resume', after)).toMatchObject({ code: 0 });
    expect(await run('sync', after, '--wait')).toMatchObject({ code: 0 });
    expect(JSON.parse((await run('list', '--json')).stdout)).toMatchObject({
      mailboxes: expect.arrayContaining([expect.objectContaining({ mailbox: after, phase: 'live' })]),
    });
    expect((await system.gets()) - fetched, 'only the new message').toBe(1);
  }, 60_000);

  it('connect refuses the former address, and names the new one', async () => {
    const file = join(system.env['TIDEMARK_DATA_DIR'] ?? '', 'grant.json');
    writeFileSync(file, JSON.stringify(await system.report('credentials')));
    expect(await run('connect', before, '--credentials', file)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `tidemark: ${before} was renamed, and is the mailbox ${after} now: ` +
        'connect that address instead. Nothing was stored.\n',
    });
  });

  it.each([
    'status',
    'start',
    'configure',
    'sync',
    'resync',
    'changes',
    'export',
    'failures',
    'audit',
    'check-bodies',
    'pause',
    'resume',
    'stop',
    'remove',
  ])(
    '%s under the former address names the new one',
    async (verb) => {
      const more = verb === 'configure' ? ['--poll-interval', '5m'] : verb === 'remove' ? ['--yes'] : [];
      expect(await run(verb, before, ...more)).toEqual({
        code: 1,
        stdout: '',
        stderr: `tidemark: ${before} was renamed, and is the mailbox ${after} now: give that address instead.\n`,
      });
    },
    20_000,
  );
});
