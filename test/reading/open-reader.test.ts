import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { mailboxId } from '../../src/model/ids.ts';
import { openReader } from '../../src/reading/index.ts';
import { closeStores } from '../../src/store/open-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { closeStoredMail, openStoredMail } from '../fixtures/store/stored-mail.ts';

describe('opening a store to read it', () => {
  const folder = useFolder();

  it('creates neither a folder nor a file where there is no store, and says what to do', async () => {
    const path = join(folder(), 'none', 'mail.sqlite');
    await expect(openReader({ database: `sqlite:${path}` })).rejects.toMatchObject({
      message: `There is no file ${path}, and so no store to read.`,
      remedy: { kind: 'make-store' },
    });
    await expect(openReader({ database: 'sqlite::memory:' })).rejects.toThrow(/no store to read/);
    expect(readdirSync(folder())).toEqual([]);
  });

  it('refuses a file that holds no store, and leaves it as it is', async () => {
    const path = join(folder(), 'other.sqlite');
    const other = new DatabaseSync(path);
    other.exec('create table t (a)');
    other.close();
    await expect(openReader({ database: `sqlite:${path}` })).rejects.toMatchObject({
      message: expect.stringContaining("holds no store of Tidemark's"),
      remedy: { kind: 'migrate' },
    });
    writeFileSync(join(folder(), 'text'), 'no database');
    await expect(openReader({ database: `sqlite:${join(folder(), 'text')}` })).rejects.toThrow(/no SQLite database/);
    expect(readdirSync(folder()).toSorted()).toEqual(['other.sqlite', 'text']);
  });

  it('asks for a migration of an older store, and does not migrate it', async () => {
    const path = join(folder(), 'mail.sqlite');
    await closeStoredMail(await openStoredMail(`sqlite:${path}`));
    const database = new DatabaseSync(path);
    database.exec("delete from kysely_migration where name = '0013-headers'");
    const applied = () => database.prepare('select name from kysely_migration order by name').all();
    const before = applied();
    await expect(openReader({ database: `sqlite:${path}` })).rejects.toMatchObject({
      code: 'store-older-schema',
      message: expect.stringContaining('lacks 0013-headers '),
      remedy: { kind: 'migrate' },
    });
    expect(applied()).toEqual(before);
    database.close();
  });

  it('reads beside a writer and after it, leaves no file behind, and refuses to read once closed', async () => {
    const path = join(folder(), 'mail.sqlite');
    const { stores, reader, store } = await openStoredMail(`sqlite:${path}`);
    await store('full', { a: 'Subject: one\r\n\r\ntext' });
    expect(await reader.mailboxes()).toEqual(['ada@example.com']);
    expect((await reader.mailbox('Ada@Example.com').message('a'))?.subject).toBe('one');
    await closeStores(stores);
    expect(await (await reader.mailbox('ada@example.com').message('a'))?.text()).toContain('text');
    await reader.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    await expect(reader.mailboxes()).rejects.toThrow(/was closed/);
  });

  it('names a mailbox that it does not know, and gives the new name of a renamed one', async () => {
    const mail = await openStoredMail(`sqlite:${join(folder(), 'mail.sqlite')}`);
    const { stores, reader, store, mailbox } = mail;
    await store('full', { a: 'Subject: one\r\n\r\ntext' });
    await expect(reader.mailbox('eve@example.com').message('a')).rejects.toMatchObject({
      message: expect.stringContaining('No mail of eve@example.com is stored in the database ') as string,
      remedy: { kind: 'name-database' },
    });
    expect(() => reader.mailbox('no address')).toThrow(/is not an e-mail address/);
    await stores.store.renameMailbox({ from: mailbox.id, to: mailboxId('ada@new.example'), chain: null, now: 1 });
    await expect(reader.mailbox('ada@example.com').message('a')).rejects.toThrow(/is the mailbox ada@new.example now/);
    await closeStoredMail(mail);
  });
});
