import type { SimulatedMailbox } from './simulated-mailbox.ts';

/** Mail that no program should write but every mailbox contains. */
export interface OddMail {
  readonly name: string;
  readonly raw: () => Buffer;
}

const latin =
  (text: string): (() => Buffer) =>
  () =>
    Buffer.from(text, 'latin1');

/** @param hugeBytes - size of the biggest message: Gmail accepts 25 MB */
export function oddMail(hugeBytes = 25 * 2 ** 20): OddMail[] {
  return [
    { name: 'no headers', raw: latin('There is no header here.\r\nNor here.') },
    { name: 'no body', raw: latin('From: a@example.com\r\nSubject: no body\r\n') },
    { name: 'one byte', raw: latin('x') },
    { name: 'an 8-bit subject in Latin-1', raw: latin('From: a@example.com\r\nSubject: Gr\xfc\xdfe\r\n\r\nHello') },
    {
      name: 'a boundary that never comes',
      raw: latin('Subject: lost\r\nContent-Type: multipart/mixed; boundary="never"\r\n\r\nNo part follows.'),
    },
    {
      name: 'a multipart without an end',
      raw: latin(
        'Subject: open\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: ' +
          'text/plain\r\n\r\nstill here',
      ),
    },
    {
      name: 'a multipart without a boundary',
      raw: latin('Subject: none\r\nContent-Type: multipart/mixed\r\n\r\n--\r\n\r\ntext'),
    },
    {
      name: 'an unknown charset',
      raw: latin('Subject: charset\r\nContent-Type: text/plain; charset=x-klingon\r\n\r\n\xf1\xf2'),
    },
    {
      name: 'broken base64',
      raw: latin(
        'Subject: b64\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!not base64===\r\nQQ',
      ),
    },
    { name: 'a broken encoded word', raw: latin('Subject: =?utf-8?B?####?= =?nocharset?Q?=ZZ?=\r\n\r\nx') },
    { name: 'bare line feeds and a null byte', raw: latin('From: a@example.com\nSubject: unix\n\nline\n\0\nend') },
    { name: 'a header of 100 KB', raw: () => Buffer.from(`Subject: ${'long '.repeat(20_000)}\r\n\r\nx`) },
    { name: 'a deep nest of multiparts', raw: () => Buffer.from(nested(60)) },
    {
      name: 'a mail within a mail',
      raw: latin('Subject: outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner text'),
    },
    { name: 'a huge attachment', raw: () => huge(hugeBytes) },
  ];
}

/** Inserts every odd message, and one with 500 labels, into the mailbox. @returns their ids by name */
export function insertOddMail(mailbox: SimulatedMailbox, hugeBytes?: number): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { name, raw } of oddMail(hugeBytes)) ids.set(name, mailbox.insert({ raw, labelIds: ['INBOX'] }).id);
  const labelIds = Array.from({ length: 500 }, (_, i) => mailbox.createLabel(`Odd/${i}`).id);
  ids.set('500 labels', mailbox.insert({ raw: 'Subject: labels\r\n\r\nmany', labelIds }).id);
  return ids;
}

function nested(depth: number): string {
  if (depth === 0) return 'Content-Type: text/plain\r\n\r\nat the bottom';
  return (
    `Content-Type: multipart/mixed; boundary=n${depth}\r\n\r\n--n${depth}\r\n` +
    `${nested(depth - 1)}\r\n--n${depth}--\r\n`
  );
}

function huge(bytes: number): Buffer {
  const head =
    'Subject: huge\r\nContent-Type: multipart/mixed; boundary=h\r\n\r\n--h\r\nContent-Type: ' +
    'application/octet-stream; name="huge.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n';
  const tail = '\r\n--h--\r\n';
  const line = `${Buffer.alloc(57, 'tidemark').toString('base64')}\r\n`;
  return Buffer.concat([
    Buffer.from(head),
    Buffer.alloc(Math.max(0, bytes - head.length - tail.length), line),
    Buffer.from(tail),
  ]);
}
