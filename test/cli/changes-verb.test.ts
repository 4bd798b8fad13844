import { join } from 'node:path';

import { beforeEach, describe, expect, it } from 'vitest';

import { databaseAt } from '../../src/model/database-location.ts';
import { mailboxId } from '../../src/model/ids.ts';
import { closeStores, openStores } from '../../src/store/open-store.ts';
import { deleted, labelled, reading, record, TestMailbox } from '../fixtures/store/tested-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { tidemark } from '../fixtures/system/cli.ts';

const ADA = 'ada@example.com';
const BOB = 'bob@example.com';

describe('tidemark changes', () => {
  const folder = useFolder();

  beforeEach(async () => {
    const stores = await openStores(databaseAt(`sqlite:${join(folder(), 'mail.sqlite')}`));
    const [ada, bob] = [ADA, BOB].map((email) => new TestMailbox(stores.store, mailboxId(email)));
    await ada?.put();
    await bob?.put();
    await ada?.save(reading('a1'), reading('a2'));
    await bob?.save(reading('b1'));
    await ada?.apply([record(101, labelled('a1', 'STARRED')), record(102, deleted('a2'))], { generation: 0 });
    await closeStores(stores);
  });

  const run = (...args: readonly string[]) =>
    tidemark(
      { HOME: folder(), TIDEMARK_DATA_DIR: folder(), DATABASE_URL: `sqlite:${join(folder(), 'mail.sqlite')}` },
      'changes',
      ...args,
    );
  const json = async (...args: readonly string[]) =>
    (await run('--json', ...args)).stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { mailbox: string; sequence: number; cursor: string });

  it('prints what changed in a mailbox, and needs no Temporal server', async () => {
    const { code, stdout, stderr } = await run(ADA);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.replace(/ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, '')).toBe(
      '1  stored  a1  INBOX\n2  stored  a2  INBOX\n3  labels  a1  +STARRED\n4  gone    a2  deleted\n',
    );
  });

  it('says that more changes follow, and how to go on', async () => {
    const { code, stdout, stderr } = await run(ADA, '--limit', '3');
    expect({ code, lines: stdout.split('\n').length - 1 }).toEqual({ code: 0, lines: 3 });
    expect(stderr).toContain(`More changes follow: tidemark changes ${ADA} --after 3`);
    expect((await run(ADA, '--after', '3')).stdout).toMatch(/^4 /);
    expect((await run(ADA, '--limit', '4')).stderr).toBe('');
  });

  it('prints the changes of all mailboxes, with cursors to go on from', async () => {
    const all = await json();
    expect(all.map(({ mailbox, sequence }) => `${mailbox} ${sequence}`)).toEqual([
      `${ADA} 1`,
      `${ADA} 2`,
      `${ADA} 3`,
      `${ADA} 4`,
      `${BOB} 1`,
    ]);
    expect(await json('--all', '--after', all[2]?.cursor ?? '')).toEqual(all.slice(3));
    expect((await run('--limit', '2')).stderr).toContain(`tidemark changes --all --after ${all[1]?.cursor ?? ''}`);
  });

  it.each([
    [['nobody@example.com'], 1, /Nothing of nobody@example.com is stored here/],
    [[ADA, '--after', '5'], 1, /changes of ada@example.com end at 4/],
    [['--after', '5'], 2, /5 is a sequence number/],
    [['--after', 'x'], 2, /"x" is not a cursor/],
    [[ADA, '--all'], 2, /not both/],
  ])('refuses %j', async (args, code, message) => {
    const refused = await run(...args);
    expect(refused.code).toBe(code);
    expect(refused.stderr).toMatch(message);
  });
});
