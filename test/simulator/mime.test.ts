import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parameter, splitHeader } from '../../src/simulator/mime-header.ts';
import { parseMime, type MimePart } from '../../src/simulator/mime.ts';
import { insertOddMail, oddMail } from '../../src/simulator/odd-mail.ts';
import { parseMessage, payloadOf } from '../../src/simulator/payload.ts';
import { openSimulator, type MessageBody } from '../fixtures/gmail/simulator-fixture.ts';

const parse = (text: string): MimePart => parseMime(Buffer.from(text, 'latin1'));

describe('the MIME parser', () => {
  it.each(oddMail(100_000).map((mail) => [mail.name, mail.raw] as const))('takes %s as it comes', (_, raw) => {
    const bytes = raw();
    const { root, sizeEstimate } = parseMessage(bytes);
    expect(sizeEstimate).toBe(bytes.length);
    expect(payloadOf('18c0', root).mimeType).toMatch(/^\w+\/\w+/);
  });

  it('never throws, whatever bytes it gets', () => {
    const pieces = [
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Transfer-Encoding: base64',
      '--b',
      '--b--',
      '',
      'Subject: =?x?Q?=?=',
      ' folded',
      '=ZZ',
      '\u00ff',
      'Content-Type: message/rfc822',
      'Content-Type: text/plain; charset=nope',
    ];
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string()), { maxLength: 20 }),
        fc.constantFrom('\n', '\r\n'),
        (lines, end) => {
          const { root } = parseMessage(Buffer.from(lines.join(end), 'latin1'));
          JSON.stringify(payloadOf('18c0', root));
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        (bytes) => JSON.stringify(payloadOf('18c0', parseMime(Buffer.from(bytes)))).length > 0,
      ),
    );
  });

  it('begins the body where a line is no header', () => {
    expect(parse('Just text\r\nin two lines')).toMatchObject({
      headers: [],
      mimeType: 'text/plain',
      body: Buffer.from('Just text\r\nin two lines'),
    });
  });

  it('reads headers in UTF-8, in Latin-1 and in encoded words, folded or not', () => {
    const raw = Buffer.concat([
      Buffer.from('A: Grüße\r\n'),
      Buffer.from('B: Gr\xfc\xdfe\r\n', 'latin1'),
      Buffer.from('C: =?utf-8?B?R3LDvMOf?=\r\n =?utf-8?Q?e?=\r\n\r\n'),
    ]);
    expect(parseMime(raw).headers).toEqual([
      { name: 'A', value: 'Grüße' },
      { name: 'B', value: 'Grüße' },
      { name: 'C', value: 'Grüße' },
    ]);
  });

  it('does not take a longer boundary for the one it looks for', () => {
    const root = parse(
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--bb\r\n' +
        'still one\r\n--b\r\n\r\ntwo\r\n--b--\r\nepilogue',
    );
    expect(root.parts.map((part) => part.body.toString())).toEqual(['one\r\n--bb\r\nstill one', 'two']);
  });

  it('decodes text of any charset to UTF-8 and keeps other bytes as they are', () => {
    expect(parse('Content-Type: text/plain; charset=iso-8859-1\r\n\r\n\xfc').body.toString('utf8')).toBe('ü');
    expect(parse('Content-Type: text/plain; charset=nope\r\n\r\n\xfc').body).toEqual(Buffer.from([0xfc]));
    expect(parse('Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n/w==').body).toEqual(
      Buffer.from([0xff]),
    );
  });

  it.each([
    ['x; name=plain', 'plain'],
    ['x; name="a; b \\"c\\""', 'a; b "c"'],
    ["x; name*=UTF-8''%C3%BC.txt", 'ü.txt'],
    ["x; name*0*=UTF-8''%C3%BC; name*1*=.txt", 'ü.txt'],
    ['x; name*0="long "; name*1="name"', 'long name'],
    ['x', null],
  ])('reads the parameter of %s', (text, expected) => {
    expect(parameter(splitHeader(text), 'name')).toBe(expected);
  });
});

it('odd mail is served in every format, and a message may carry 500 labels', async () => {
  const { mailbox, user } = await openSimulator();
  const ids = insertOddMail(mailbox, 200_000);
  for (const id of ids.values()) {
    for (const format of ['full', 'metadata', 'minimal', 'raw'])
      expect((await user.get(`messages/${id}`, { format })).status).toBe(200);
  }
  expect((await user.get<MessageBody>(`messages/${ids.get('500 labels') ?? ''}`)).body.labelIds).toHaveLength(500);
});
