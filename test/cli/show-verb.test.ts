import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { closeStoredMail, openStoredMail } from '../fixtures/store/stored-mail.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { tidemark } from '../fixtures/system/cli.ts';

const MAIL = [
  'From: =?utf-8?Q?J=C3=BCrgen?= <j@example.com>',
  'To: Ada <ada@example.com>, bob@example.com',
  'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Hello,\tAda',
  'tidemark: a forged error',
  '--b',
  'Content-Type: application/pdf; name=r.pdf',
  'Content-Disposition: attachment; filename=r.pdf',
  'Content-Transfer-Encoding: base64',
  '',
  'JVBERg==',
  '--b--',
  '',
].join('\r\n');

describe('without a Temporal server', () => {
  const folder = useFolder();
  const path = () => join(folder(), 'mail.sqlite');

  beforeEach(async () => {
    const mail = await openStoredMail(`sqlite:${path()}`);
    await mail.store('full', { a: MAIL }, { date: Date.parse('2026-11-28T11:00:05Z') });
    await mail.store('raw', { r: MAIL });
    await closeStoredMail(mail);
  });

  const run = (args: readonly string[], database = path()) =>
    tidemark(
      {
        HOME: folder(),
        TIDEMARK_DATA_DIR: folder(),
        DATABASE_URL: `sqlite:${database}`,
        TEMPORAL_ADDRESS: '127.0.0.1:1',
      },
      ...args,
    );

  it('show prints a message as a person reads it', async () => {
    expect(await run(['show', 'ada@example.com', 'a'])).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'From:     Jürgen <j@example.com>',
        'To:       Ada <ada@example.com>, bob@example.com',
        'Date:     2026-11-28 11:00:05Z',
        'Subject:  Grüße',
        'Labels:   INBOX',
        'Attached: r.pdf (application/pdf, 4 bytes, not stored)',
        '',
        '  Hello,    Ada',
        '  tidemark: a forged error',
        '',
      ].join('\n'),
    });
  });

  it('show prints a message as JSON, or as RFC 822 bytes where these are stored', async () => {
    const { stdout } = await run(['show', 'ada@example.com', 'a', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      id: 'a',
      from: { name: 'Jürgen', address: 'j@example.com' },
      subject: 'Grüße',
      date: '2026-11-28T11:00:05.000Z',
      text: expect.stringContaining('Hello'),
      html: null,
      attachments: [{ name: 'r.pdf', isHeld: false }],
    });
    expect((await run(['show', 'ada@example.com', 'r', '--raw'])).stdout).toBe(MAIL);
    expect(await run(['show', 'ada@example.com', 'a', '--raw'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^tidemark: Message a is stored in the full format/),
    });
  });

  it('show says whether a message has no text or its format leaves the text out', async () => {
    const mail = await openStoredMail(`sqlite:${path()}`);
    const pdf = MAIL.replace(/--b\r\nContent-Type: text[^]*?(?=--b\r\nContent-Type: application)/, '');
    await mail.store('full', { p: pdf });
    await mail.store('metadata', { m: MAIL });
    await closeStoredMail(mail);
    expect((await run(['show', 'ada@example.com', 'p'])).stdout).toMatch(/\n\(no text: the message has none\)\n$/);
    expect((await run(['show', 'ada@example.com', 'm'])).stdout).toMatch(
      /\n\(no text: the message is stored in the metadata format\)\n$/,
    );
  });

  it('show names the message or the mailbox that it does not find', async () => {
    expect(await run(['show', 'ada@example.com', 'no'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^tidemark: ada@example.com has no readable message "no"/),
    });
    expect(await run(['show', 'eve@example.com', 'a'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^tidemark: No mail of eve@example.com is stored in the database /),
    });
  });

  it('changes and export work, and list says that phases are unknown', async () => {
    expect((await run(['changes', 'ada@example.com'])).stdout.trimEnd().split('\n')).toHaveLength(2);
    expect((await run(['export', 'ada@example.com'])).stdout.trimEnd().split('\n')).toHaveLength(2);
    const { code, stdout, stderr } = await run(['list']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ada@example.com +unknown +2 /m);
    expect(stderr).toMatch(/^Temporal does not answer: .* phases, are unknown/);
    expect(JSON.parse((await run(['list', '--json'])).stdout)).toMatchObject({
      mailboxes: [{ mailbox: 'ada@example.com', phase: null, counts: { stored: 2 } }],
    });
  });
});
