import { execFile } from 'node:child_process';
import { buffer } from 'node:stream/consumers';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { deleted, reading, record } from '../fixtures/store/tested-store.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { useStoredMail } from '../fixtures/store/stored-mail.ts';

const HUGE = fileURLToPath(new URL('huge-mail.ts', import.meta.url));
const PDF = Buffer.from('%PDF-1.7 a small one');
const MAIL = [
  'From: =?utf-8?Q?M=C3=BCller=2C_Jan?= <jan@example.com>',
  'To: Ada <ada@example.com>, "Doe, Jo" <jo@example.com>',
  'Cc: Team: a@example.com, b@example.com;',
  'Bcc: hidden@example.com',
  'Subject: =?iso-8859-1?Q?Gr=FC=DFe?= aus',
  ' K=?utf-8?B?w7Y=?=ln',
  'Date: Sat, 28 Nov 2026 12:00:00 +0100',
  'Message-ID: <one@example.com>',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=outer',
  '',
  '--outer',
  'Content-Type: multipart/alternative; boundary=inner',
  '',
  '--inner',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Sch=F6ne Gr=FC=DFe',
  '--inner',
  'Content-Type: text/html; charset=utf-8',
  'Content-Transfer-Encoding: base64',
  '',
  Buffer.from('<p>Schöne Grüße</p>').toString('base64'),
  '--inner--',
  '--outer',
  'Content-Type: application/pdf; name="r.pdf"',
  "Content-Disposition: attachment; filename*=utf-8''rechnung%20%C3%BC.pdf",
  'Content-Transfer-Encoding: base64',
  '',
  PDF.toString('base64'),
  '--outer--',
  '',
].join('\r\n');

const HTML_ONLY =
  'Subject: only HTML\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<h1>Hello &amp; ' +
  'welcome</h1><p>One<br>two</p><script>no()</script>\r\n';

describe('a stored message', () => {
  const folder = useFolder();
  const mail = useStoredMail(() => `sqlite:${join(folder(), 'mail.sqlite')}`);

  it.each(['full', 'raw'] as const)('is read decoded, from the %s format', async (format) => {
    const { store, read } = mail();
    await store(format, { a: MAIL }, { date: Date.parse('2026-11-28T11:00:05Z'), labels: ['INBOX'], thread: 't1' });
    const message = await read.message('a');
    expect(message).toMatchObject({
      mailbox: 'ada@example.com',
      id: 'a',
      threadId: 't1',
      subject: 'Grüße aus Köln',
      from: { name: 'Müller, Jan', address: 'jan@example.com' },
      to: [
        { name: 'Ada', address: 'ada@example.com' },
        { name: 'Doe, Jo', address: 'jo@example.com' },
      ],
      cc: [
        { name: '', address: 'a@example.com' },
        { name: '', address: 'b@example.com' },
      ],
      bcc: [{ name: '', address: 'hidden@example.com' }],
      date: new Date('2026-11-28T11:00:05Z'),
      sentAt: new Date('2026-11-28T11:00:00Z'),
      rfc822Id: '<one@example.com>',
      labels: [{ id: 'INBOX' }],
      hasAttachments: true,
      format,
      lacks: null,
    });
    expect((await message?.text())?.trim()).toBe('Schöne Grüße');
    expect((await message?.html())?.trim()).toBe('<p>Schöne Grüße</p>');
    const headers = await message?.headers();
    expect(headers?.list).toContainEqual({ name: 'Message-ID', value: '<one@example.com>' });
    expect(headers?.get('message-id')).toBe('<one@example.com>');
    expect(await message?.attachments()).toMatchObject([
      { name: 'rechnung ü.pdf', type: 'application/pdf', size: PDF.length, isInline: false },
    ]);
  });

  it('gives the content of an attachment as a stream where it is held, and says where it is not', async () => {
    const { store, read } = mail();
    await store('raw', { whole: MAIL });
    await store('full', { part: MAIL });
    const [held] = (await (await read.message('whole'))?.attachments()) ?? [];
    expect(held === undefined ? null : await buffer(held.content())).toEqual(PDF);
    const [lacking] = (await (await read.message('part'))?.attachments()) ?? [];
    expect(lacking?.isHeld).toBe(false);
    expect(() => lacking?.content()).toThrow(
      expect.objectContaining({
        code: 'attachment-not-held',
        message: expect.stringMatching(/"rechnung ü.pdf" of message part .* is not stored\.$/),
        remedy: expect.objectContaining({ kind: 'store-attachments' }),
      }),
    );
  });

  it('has its RFC 822 bytes in the raw format only', async () => {
    const { store, read } = mail();
    await store('raw', { raw: MAIL });
    await store('full', { full: MAIL });
    expect(Buffer.from((await (await read.message('raw'))?.raw()) ?? []).toString()).toBe(MAIL);
    expect(await (await read.message('full'))?.raw()).toBeNull();
  });

  it.each(['full', 'raw'] as const)('that has only HTML gives text, too, from the %s format', async (format) => {
    const { store, read } = mail();
    await store(format, { a: HTML_ONLY });
    const message = await read.message('a');
    expect((await message?.text())?.replaceAll(/\s+/g, ' ').trim()).toBe('Hello & welcome One two');
    expect(await message?.html()).toContain('<h1>');
    expect(message?.hasAttachments).toBe(false);
  });

  it('gives what the formats metadata and minimal have', async () => {
    const { store, read } = mail();
    await store('metadata', { some: MAIL });
    await store('minimal', { least: MAIL });
    const some = await read.message('some');
    expect(some).toMatchObject({ subject: 'Grüße aus Köln', hasAttachments: null, format: 'metadata' });
    expect([await some?.text(), await some?.html(), await some?.attachments()]).toEqual([null, null, []]);
    const least = await read.message('least');
    expect(least).toMatchObject({ subject: null, from: null, to: [], format: 'minimal', snippet: 'about least' });
    expect([await least?.text(), (await least?.headers())?.list]).toEqual([null, []]);
  });

  it('is null when it is not there, even where its id holds SQL', async () => {
    const { store, read, mailbox } = mail();
    expect(await read.message('never')).toBeNull();
    await store('full', { a: MAIL, there: MAIL });
    await mailbox.apply([record(101, deleted('a'))], { generation: 0 });
    expect(await read.message('a')).toBeNull();
    expect(await read.message('there')).not.toBeNull();
    expect(await read.message("' or 1=1 --")).toBeNull();
  });

  it('nested thousands of levels deep is read as it came', async () => {
    const { store, read } = mail();
    const lines = ['Subject: deep'];
    for (let level = 0; level < 5_000; level += 1)
      lines.push(`Content-Type: multipart/mixed; boundary=b${level}`, '', `--b${level}`);
    lines.push('Content-Type: text/plain', '', 'at the bottom');
    await store('raw', { deep: lines.join('\r\n') });
    const message = await read.message('deep');
    expect(message).toMatchObject({ subject: 'deep', hasAttachments: null });
    expect(await message?.text()).toContain('at the bottom');
    expect(await message?.attachments()).toEqual([]);
  });

  it.each([
    ['base64', true],
    ['line feeds', null],
  ])('of 25 MB of %s is described and read without half a gigabyte of memory', async (content, hasAttachments) => {
    // In a process of its own, since the peak of a process cannot be told by what it holds afterwards.
    const { stdout } = await promisify(execFile)(process.execPath, [HUGE, content]);
    const { took, ...found } = JSON.parse(stdout) as { took: number };
    expect(found).toEqual({ subject: 'huge', hasAttachments });
    expect(took).toBeLessThan(512 * 2 ** 20);
  });

  it('in the full format that is nested deeper than any stack is read', async () => {
    const { mailbox, read } = mail();
    const deep = 100_000;
    const part = (text: string) =>
      `{"mimeType":"text/plain","body":{"data":"${Buffer.from(text).toString('base64url')}"}}`;
    const body =
      '{"payload":{"headers":[{"name":"Subject","value":"deep"}],"mimeType":"multipart/mixed","parts":[' +
      `${'{"mimeType":"multipart/mixed","parts":['.repeat(deep)}${part('at the bottom')}${']}'.repeat(deep)}]}}`;
    await mailbox.save(reading('deep', { body }));
    const message = await read.message('deep');
    expect(message?.subject).toBe('deep');
    expect((await message?.text())?.trim()).toBe('at the bottom');
  });

  it.each([
    ['no JSON at all', 'not JSON'],
    ['JSON that is no message', '[1,2]'],
    ['parts that are no list', '{"payload":{"headers":{"a":1},"parts":7,"body":"x"}}'],
    ['a subject that no database can hold', '{"payload":{"headers":[{"name":"Subject","value":"a\\u0000b\\ud800"}]}}'],
  ])('with %s is read without an error', async (_, body) => {
    const { mailbox, read } = mail();
    await mailbox.save(reading('odd', { body }));
    const message = await read.message('odd');
    expect([null, 'a\uFFFDb\uFFFD']).toContain(message?.subject);
    await message?.text();
    await message?.attachments();
  });
});
