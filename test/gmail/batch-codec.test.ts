import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBatch, encodeBatch } from '../../src/gmail/api/batch-codec.ts';

interface Part {
  readonly index: number;
  readonly status: number;
  readonly body: string;
}

interface Form {
  readonly eol: '\r\n' | '\n';
  readonly quoted: boolean;
  readonly contentId: (index: number) => string;
}

const PLAIN: Form = { eol: '\r\n', quoted: false, contentId: (index) => `Content-ID: <response-part-${index}>` };

/** An answer as Gmail composes it. */
function render(parts: readonly Part[], boundary: string, { eol, quoted, contentId }: Form = PLAIN) {
  const rendered = parts.map((part) =>
    [
      `--${boundary}`,
      'Content-Type: application/http',
      contentId(part.index),
      '',
      `HTTP/1.1 ${part.status} OK`,
      'Content-Type: application/json; charset=UTF-8',
      '',
      part.body,
      '',
    ].join(eol),
  );
  return {
    contentType: `multipart/mixed; boundary=${quoted ? `"${boundary}"` : boundary}`,
    body: Buffer.from(`${rendered.join('')}--${boundary}--${eol}`),
  };
}

const texts = (parts: ReturnType<typeof decodeBatch>): (string | null)[] | null =>
  parts?.map((part) => part?.body.toString('utf8') ?? null) ?? null;

const boundary = fc.stringMatching(/^batch_[A-Za-z0-9_-]{4,40}$/);
/**
 * Any text, even one that looks like our own envelope, except a line that begins with this answer's delimiter, which
 * JSON never holds.
 */
const bodies = fc.array(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('{}', '\r\n', '--', '--batch_', 'Content-ID: <response-part-0>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}'),
  ),
  { maxLength: 20 },
);
const form = fc.record({
  eol: fc.constantFrom('\r\n' as const, '\n' as const),
  quoted: fc.boolean(),
  contentId: fc.constantFrom(
    (index: number) => `Content-ID: <response-part-${index}>`,
    (index: number) => `content-id: response-part-${index}`,
    (index: number) => `CONTENT-ID:   <response-part-${index}>  `,
  ),
});

describe('decodeBatch', () => {
  it('pairs every part with its request, in whatever order, form and encoding they come', () => {
    fc.assert(
      fc.property(boundary, bodies, form, fc.infiniteStream(fc.nat()), (delimiter, all, shape, order) => {
        // A CR before a bare LF and the delimiter cannot be told from the line's end; JSON does not end in one.
        const clean = all.map((body) => body.replaceAll(`--${delimiter}`, '').replace(/\r+$/, ''));
        const parts = clean.map((body, index) => ({ index, status: 200 + (index % 3), body }));
        const shuffled = [...parts]
          .map((part) => ({ part, at: order.next().value ?? 0 }))
          .sort((a, b) => a.at - b.at)
          .map(({ part }) => part);
        const { contentType, body } = render(shuffled, delimiter, shape);
        const decoded = decodeBatch(contentType, body, clean.length);
        expect(texts(decoded)).toEqual(clean);
        expect(decoded?.map((part) => part?.status)).toEqual(parts.map((part) => part.status));
      }),
    );
  });

  it('gives each request its own part or null when the answer is cut off at any byte', () => {
    const parts = Array.from({ length: 4 }, (_, index) => ({
      index,
      status: 200,
      body: JSON.stringify({ id: `m${index}`, snippet: 'é\r\n--' }),
    }));
    const { contentType, body } = render(parts, 'batch_cut');
    for (let length = 0; length <= body.length; length++) {
      const decoded = texts(decodeBatch(contentType, body.subarray(0, length), parts.length));
      for (const [index, part] of parts.entries()) expect([part.body, null]).toContain(decoded?.[index]);
    }
    expect(texts(decodeBatch(contentType, body, parts.length))).toEqual(parts.map((part) => part.body));
  });

  it('never gives a request the part of another one when bytes are damaged', () => {
    const parts = Array.from({ length: 4 }, (_, index) => ({
      index,
      status: 200,
      body: JSON.stringify({ id: `m${index}` }),
    }));
    const { contentType, body } = render(parts, 'batch_damage');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(body.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
        (damages) => {
          const damaged = Buffer.from(body);
          // Digits stay: a Content-ID that becomes that of another part is found out later, by the message's own id.
          for (const [at, byte] of damages) if (!/\d/.test(String.fromCharCode(body[at] ?? 0))) damaged[at] = byte;
          const decoded = texts(decodeBatch(contentType, damaged, parts.length)) ?? [];
          for (const [index, text] of decoded.entries()) {
            expect(parts.filter((part) => part.index !== index).map((part) => part.body)).not.toContain(text);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('gives null for a missing part, and still reads its neighbours', () => {
    const { contentType, body } = render(
      [
        { index: 2, status: 200, body: 'c' },
        { index: 0, status: 404, body: 'a' },
      ],
      'batch_x',
    );
    expect(texts(decodeBatch(contentType, body, 3))).toEqual(['a', null, 'c']);
  });

  it('trusts neither of two parts with the same id', () => {
    const { contentType, body } = render(
      [
        { index: 0, status: 200, body: 'first' },
        { index: 0, status: 200, body: 'second' },
        { index: 1, status: 200, body: 'b' },
      ],
      'batch_x',
    );
    expect(texts(decodeBatch(contentType, body, 2))).toEqual([null, 'b']);
  });

  it('ignores parts without a request', () => {
    const { contentType, body } = render([{ index: 7, status: 200, body: 'h' }], 'batch_x', PLAIN);
    expect(texts(decodeBatch(contentType, body, 2))).toEqual([null, null]);
    const foreign = render([{ index: 0, status: 200, body: 'a' }], 'batch_x', {
      ...PLAIN,
      contentId: () => 'Content-ID: <response-other-0>',
    });
    expect(texts(decodeBatch(foreign.contentType, foreign.body, 1))).toEqual([null]);
  });

  it('is not misled by a longer boundary that begins with its own', () => {
    const { contentType, body } = render([{ index: 0, status: 200, body: 'x\r\n--batch_xy\r\nz' }], 'batch_x');
    expect(texts(decodeBatch(contentType, body, 1))).toEqual(['x\r\n--batch_xy\r\nz']);
  });

  it.each(['application/json', 'multipart/mixed', '', 'text/html; boundary=x'])(
    'gives null for the content type "%s"',
    (contentType) => {
      expect(decodeBatch(contentType, Buffer.from('{}'), 1)).toBeNull();
    },
  );
});

describe('encodeBatch', () => {
  it('numbers the requests and ends with the closing delimiter', () => {
    const { contentType, body } = encodeBatch(
      ['/gmail/v1/users/me/messages/a?format=raw', '/gmail/v1/users/me/threads/b?format=full'],
      'tidemark_batch',
    );
    expect(contentType).toBe('multipart/mixed; boundary=tidemark_batch');
    expect(body.match(/Content-ID: <part-\d>/g)).toEqual(['Content-ID: <part-0>', 'Content-ID: <part-1>']);
    expect(body).toContain('\r\n\r\nGET /gmail/v1/users/me/threads/b?format=full HTTP/1.1\r\n');
    expect(body.endsWith('\r\n--tidemark_batch--\r\n')).toBe(true);
  });
});
