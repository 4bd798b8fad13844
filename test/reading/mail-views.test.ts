import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { openReader } from '../../src/reading/index.ts';
import { deleted, l, record } from '../fixtures/store/tested-store.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { useStoredMail, type StoredMail } from '../fixtures/store/stored-mail.ts';

const PAGE = readFileSync('docs/reading.md', 'utf8');
const [REPORTS = '', READER = ''] = [...PAGE.matchAll(/```sql\n(.*?)```/gs)].map(([, block = '']) => block);
const DOCUMENTED = [
  ...PAGE.slice(PAGE.indexOf('| column of `mail`'), PAGE.indexOf('| view |')).matchAll(/^\| (`.*?) \|/gm),
]
  .flatMap(([, cell = '']) => [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name))
  .filter((name) => name !== 'mail');

const MAIL =
  'From: Jo <jo@example.com>\r\nTo: Ada <ada@example.com>, bob@example.com\r\nBcc: c@example.com\r\nSubject: ' +
  '=?utf-8?Q?=C3=BC?=\r\nDate: Sat, 28 Nov 2026 12:00:00 +0100\r\nMessage-ID: <1@x>\r\n\r\ntext\r\n';

async function fill({ store, mailbox }: StoredMail): Promise<void> {
  await mailbox.store.saveLabels({
    mailbox: mailbox.id,
    labels: [
      { id: l('INBOX'), name: 'INBOX', type: 'system' },
      { id: l('Label_1'), name: 'Bills', type: 'user' },
    ],
    now: mailbox.now,
  });
  const date = Date.parse('2026-11-28T11:00:05Z');
  await store('full', { a: MAIL, gone: MAIL }, { date, labels: ['INBOX', 'Label_1'], thread: 't' });
  await store('minimal', { least: MAIL }, { date: null });
  await mailbox.apply([record(101, deleted('gone'))], { generation: 0 });
}

const ROW = {
  mailbox: 'ada@example.com',
  id: 'a',
  thread_id: 't',
  from_name: 'Jo',
  from_address: 'jo@example.com',
  subject: 'ü',
  to_addresses: 'ada@example.com, bob@example.com',
  cc_addresses: null,
  bcc_addresses: 'c@example.com',
  message_id: '<1@x>',
  labels: 'INBOX, Bills',
  snippet: 'about a',
};

describe('the views of mail in SQLite', () => {
  const folder = useFolder();
  const mail = useStoredMail(() => `sqlite:${join(folder(), 'mail.sqlite')}`);

  it('show readable mail to every program that opens the file', async () => {
    await fill(mail());
    const database = new DatabaseSync(join(folder(), 'mail.sqlite'), { readOnly: true });
    const rows = database.prepare('select * from mail order by id').all();
    expect(rows).toMatchObject([
      { ...ROW, received_at: '2026-11-28T11:00:05Z', sent_at: '2026-11-28T11:00:00Z', has_attachments: 0, size: 100 },
      { id: 'least', subject: null, received_at: null },
    ]);
    expect(Object.keys(rows[0] ?? {}).toSorted()).toEqual(DOCUMENTED.toSorted());
    expect(database.prepare("select id, label_id, label from mail_labels where label = 'Bills'").all()).toMatchObject([
      { id: 'a', label_id: 'Label_1', label: 'Bills' },
    ]);
    expect(database.prepare('select kind, name, address from mail_recipients').all()).toMatchObject([
      { kind: 'to', name: 'Ada', address: 'ada@example.com' },
      { kind: 'to', name: '', address: 'bob@example.com' },
      { kind: 'bcc', name: '', address: 'c@example.com' },
    ]);
    database.close();
  });
});

describePostgres('the views of mail in PostgreSQL', () => {
  const database = useDatabases();
  const mail = useStoredMail(() => database());

  /** Makes a role as the page says, under a name of its own, since roles belong to the whole server. */
  async function roleOf(block: string, documented: string, work: (url: string) => Promise<void>): Promise<void> {
    const { url } = mail();
    const role = `${documented}_${new URL(url).pathname.slice(1)}`.replaceAll('-', '_');
    const owner = new pg.Client({ connectionString: url });
    await owner.connect();
    try {
      await owner.query(block.replaceAll(documented, role));
      const as = new URL(url);
      as.username = role;
      as.password = encodeURIComponent('change me');
      await work(as.href);
    } finally {
      await owner.query(`drop owned by ${role}; drop role ${role}`);
      await owner.end();
    }
  }

  it('show what is readable to a role that sees nothing else', async () => {
    await fill(mail());
    await roleOf(REPORTS, 'mail_reader', async (url) => {
      const reader = new pg.Client({ connectionString: url });
      await reader.connect();
      try {
        const { rows, fields } = await reader.query('select * from mail order by id');
        expect(rows).toMatchObject([
          {
            ...ROW,
            received_at: new Date('2026-11-28T11:00:05Z'),
            sent_at: new Date('2026-11-28T11:00:00Z'),
            has_attachments: false,
          },
          { id: 'least', subject: null, received_at: null },
        ]);
        expect(fields.map(({ name }) => name).toSorted()).toEqual(DOCUMENTED.toSorted());
        expect((await reader.query("select id from mail_labels where label = 'Bills'")).rows).toEqual([{ id: 'a' }]);
        expect((await reader.query('select kind, address from mail_recipients')).rows).toEqual([
          { kind: 'to', address: 'ada@example.com' },
          { kind: 'to', address: 'bob@example.com' },
          { kind: 'bcc', address: 'c@example.com' },
        ]);
        for (const hidden of [
          'select * from tidemark.messages',
          'select * from tidemark.bodies',
          'select * from tidemark_credentials.credentials',
          'delete from mail',
          "insert into mail_labels values ('a', 'b', 'c', 'd')",
        ])
          await expect(reader.query(hidden), hidden).rejects.toThrow(/permission denied|cannot (delete|insert)/);
      } finally {
        await reader.end();
      }
    });
  });

  it('are not needed by openReader, whose role sees no credentials', async () => {
    await fill(mail());
    await roleOf(READER, 'app_reader', async (url) => {
      const reader = await openReader({ database: url });
      expect((await reader.mailbox('ada@example.com').message('a'))?.subject).toBe('ü');
      expect(await (await reader.mailbox('ada@example.com').message('a'))?.text()).toContain('text');
      await reader.close();
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await expect(client.query('select * from tidemark_credentials.credentials')).rejects.toThrow(/permission denied/);
      await client.end();
    });
  });
});
