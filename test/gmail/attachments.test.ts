import { describe, expect, test } from 'vitest';
import { dataFromRaw, incompleteMessage } from '../../src/gmail/api/attachments.ts';
import { parseMessage, payloadOf } from '../../src/simulator/payload.ts';
import { mailWithAttachments, type TestAttachment } from '../fixtures/gmail/mail-with-attachments.ts';

function mail(...attachments: TestAttachment[]) {
  const raw = Buffer.from(mailWithAttachments({ subject: 'files', text: 'see below', attachments }));
  return { raw, full: Buffer.from(JSON.stringify({ id: 'm', payload: payloadOf('m', parseMessage(raw).root) })) };
}

const fromRaw = async ({ raw, full }: ReturnType<typeof mail>): Promise<readonly string[] | null> =>
  (await dataFromRaw(raw, incompleteMessage(full).parts))?.map((data) => Buffer.from(data, 'base64url').toString()) ??
  null;

describe('attachments out of the RAW form', () => {
  test('are those of the FULL form, in its order', async () => {
    const files = [
      { name: 'b', content: 'second' },
      { name: 'a', type: 'image/png', content: 'first' },
      { name: 'c', content: 'third!' },
    ];
    expect(await fromRaw(mail(...files))).toEqual(['second', 'first', 'third!']);
  });

  test('are not taken from parts that are not base64, whose line breaks are ambiguous', async () => {
    expect(await fromRaw(mail({ name: 'a', content: 'one\r\ntwo', encoding: '8bit' }))).toBeNull();
  });

  test('are not guessed when one of the two forms has more of a kind than the other', async () => {
    const { full } = mail({ name: 'a', content: 'same' });
    const { raw } = mail({ name: 'a', content: 'same' }, { name: 'b', content: 'size' });
    expect(await fromRaw({ full, raw })).toBeNull();
  });

  test('within an attached message are ambiguous, and are not guessed', async () => {
    const inner = mailWithAttachments({
      subject: 'inner',
      text: 'text',
      attachments: [{ name: 'deep', content: 'deep' }],
    });
    expect(
      await fromRaw(mail({ name: 'inner.eml', type: 'message/rfc822', content: inner, encoding: '8bit' })),
    ).toBeNull();
  });
});

describe('a completed message', () => {
  test('is the resource that Gmail answered, with the data put into each part', () => {
    const { full } = mail({ name: 'a', content: 'one' }, { name: 'b', content: 'two' });
    const before = JSON.parse(full.toString()) as { payload: { parts: { body: object }[] } };
    const after = JSON.parse(
      Buffer.from(incompleteMessage(full).completed(['b25l', 'dHdv'])).toString(),
    ) as typeof before;
    const [text, first, second] = before.payload.parts;
    expect(after).toEqual({
      ...before,
      payload: {
        ...before.payload,
        parts: [
          text,
          { ...first, body: { ...first?.body, data: 'b25l' } },
          { ...second, body: { ...second?.body, data: 'dHdv' } },
        ],
      },
    });
  });

  test('has no part left to fetch', () => {
    const { full } = mail({ name: 'a', content: 'one' });
    expect(incompleteMessage(incompleteMessage(full).completed(['b25l'])).parts).toEqual([]);
  });
});
