import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { payloadOfChanged } from '../../../src/deliveries/webhooks/payload-of-change.ts';
import { checkLink, InvalidLinkError, linkTo } from '../../../src/deliveries/webhooks/link.ts';
import { fittingFields, type WebhookMessage } from '../../../src/deliveries/webhooks/message-fields.ts';
import {
  bodyOf,
  payloadOfChange,
  payloadOfEvent,
  payloadsThatFit,
  type SinglePayload,
} from '../../../src/deliveries/webhooks/webhook-payload.ts';
import type { Change } from '../../../src/model/change.ts';
import { historyId, labelId, mailboxId, messageId, threadId } from '../../../src/model/ids.ts';

const mailbox = mailboxId('ada@example.com');
const at = Date.UTC(2026, 10, 28, 9, 30);
const stored: Change = {
  kind: 'stored',
  mailbox,
  sequence: 7,
  messageId: messageId('1998a1'),
  threadId: threadId('1998a0'),
  labelIds: [labelId('INBOX'), labelId('UNREAD')],
  added: [labelId('INBOX'), labelId('UNREAD')],
  removed: [],
  historyId: historyId('18446744073709551615'),
  at,
};
const bodyAsText = (payloads: readonly [SinglePayload, ...SinglePayload[]]): string =>
  Buffer.from(bodyOf(mailbox, payloads)).toString('utf8');

describe('the payload of a change', () => {
  it('holds ids and labels, and no mail', () => {
    expect(JSON.parse(bodyAsText([payloadOfChange(stored)]))).toEqual({
      type: 'message.stored',
      version: 1,
      timestamp: '2026-11-28T09:30:00.000Z',
      data: {
        mailbox: 'ada@example.com',
        messageId: '1998a1',
        threadId: '1998a0',
        sequence: 7,
        historyId: '18446744073709551615',
        labelIds: ['INBOX', 'UNREAD'],
        added: ['INBOX', 'UNREAD'],
        removed: [],
      },
    });
  });

  it('names the kind of change in its type, and why a message left', () => {
    expect(payloadOfChange({ ...stored, kind: 'labels' }).type).toBe('message.labels');
    expect(payloadOfChange({ ...stored, kind: 'gone', why: 'excluded' })).toMatchObject({
      type: 'message.gone',
      data: { why: 'excluded' },
    });
  });

  it('holds a cursor, a link and chosen fields where there are some', () => {
    const details = { link: 'https://api.example.com/mail/1998a1', message: { subject: 'Fish' } };
    expect(payloadOfChange({ ...stored, cursor: 'abc' }, details).data).toMatchObject({ cursor: 'abc', ...details });
    expect(payloadOfChange(stored, { message: null }).data).toMatchObject({ message: null });
  });

  it('has a type of the form that Standard Webhooks asks for', () => {
    const event = { mailbox, number: 3, after: 7, at };
    const types = [
      payloadOfEvent({ ...event, kind: 'needs-consent', code: 'access-revoked', reason: 'access was revoked' }),
      payloadOfEvent({ ...event, kind: 'recovered' }),
      payloadOfEvent({ ...event, kind: 'in-sync' }),
      payloadOfEvent({ ...event, kind: 'message-failed', messageId: stored.messageId, reason: 'Gmail has no body' }),
    ].map(({ type }) => type);
    expect(types).toEqual(['mailbox.needs_consent', 'mailbox.recovered', 'mailbox.in_sync', 'message.failed']);
    for (const type of types) expect(type).toMatch(/^\w+(\.\w+)+$/);
  });
});

describe('a batch', () => {
  it('holds the payloads of a mailbox in their order', () => {
    const payloads = [stored, { ...stored, sequence: 8, at: at + 5 }].map((change) => payloadOfChange(change));
    const [first, second] = payloads;
    if (first === undefined || second === undefined) throw new Error('two changes are two payloads');
    expect(JSON.parse(bodyAsText([first, second]))).toEqual({
      type: 'mailbox.batch',
      version: 1,
      timestamp: '2026-11-28T09:30:00.005Z',
      data: { mailbox, events: payloads },
    });
  });

  it('has as many payloads as fit into 20 KB, and at least one', async () => {
    const payloads = Array.from({ length: 100 }, (_, index) => payloadOfChange({ ...stored, sequence: index + 1 }));
    const [first, ...others] = payloads;
    if (first === undefined) throw new Error('there are payloads');
    const count = await payloadsThatFit(payloads);
    expect(bodyAsText([first, ...others.slice(0, count - 1)]).length).toBeLessThanOrEqual(20_000);
    expect(bodyAsText([first, ...others.slice(0, count + 1)]).length).toBeGreaterThan(20_000);
    expect(await payloadsThatFit(payloads.slice(0, 3))).toBe(3);
    const labels = Array.from({ length: 2_000 }, (_, index) => labelId(`Label_${index}`));
    expect(await payloadsThatFit([payloadOfChange({ ...stored, labelIds: labels }), ...payloads])).toBe(1);
  });
});

describe('the fields of a message', () => {
  it('stay as they are when they fit, and absent ones stay absent', () => {
    const message: WebhookMessage = { subject: 'Fish', from: { name: 'Ada', address: 'ada@example.com' }, text: null };
    expect(JSON.stringify(fittingFields(message))).toBe(
      '{"subject":"Fish","from":{"name":"Ada","address":"ada@example.com"},"text":null}',
    );
  });

  it('are shortened to fit, and say so', () => {
    const entry = { name: 'Somebody', address: 'somebody@example.com' };
    const message = fittingFields({
      subject: 'Fish',
      to: Array.from({ length: 500 }, () => entry),
      text: '\u0000🐟'.repeat(10_000),
    });
    expect(message.cut).toEqual(['to', 'text']);
    expect(message.subject).toBe('Fish');
    expect(message.to?.length).toBeGreaterThan(20);
    expect(message.text?.length).toBeGreaterThan(2_000);
    expect(message.text?.isWellFormed()).toBe(true);
  });

  it('leave room in a webhook, whatever a stranger wrote into them', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.integer({ min: 0, max: 60_000 }).map((length) => '\u0000'.repeat(length)),
      fc.integer({ min: 0, max: 60_000 }).map((length) => '🐟'.repeat(length)),
    );
    const address = fc.record({ name: text, address: text });
    const list = fc.array(address, { maxLength: 50 });
    const message = fc.record({
      date: text,
      subject: text,
      from: address,
      to: list,
      cc: list,
      snippet: text,
      attachments: fc.array(fc.record({ name: text, type: text, size: fc.nat() }), { maxLength: 50 }),
      text,
    });
    fc.assert(
      fc.property(message, (fields) => {
        const payload = payloadOfChange(stored, { message: fittingFields(fields) });
        expect(bodyAsText([payload]).length).toBeLessThanOrEqual(13_000);
      }),
      { numRuns: 50 },
    );
  });
});

describe('the payload of a changed message', () => {
  it('holds only the fields that were asked for, whatever the reader gives', async () => {
    const whole = { subject: 'Fish', snippet: 'Fresh', text: 'Fresh fish' };
    const payload = await payloadOfChanged(stored, { fields: ['subject'], link: null }, async () => whole);
    expect(payload).toEqual(payloadOfChange(stored, { message: { subject: 'Fish' } }));
  });

  it('needs no message when no field is asked for', async () => {
    const read = (): never => {
      throw new Error('nothing is read');
    };
    const payload = await payloadOfChanged(stored, { fields: [], link: 'https://a.example/{messageId}' }, read);
    expect(payload).toEqual(payloadOfChange(stored, { link: 'https://a.example/1998a1' }));
  });

  it('says when a message can no longer be read', async () => {
    const payload = await payloadOfChanged(stored, { fields: ['text'], link: null }, async () => null);
    expect(payload.data).toMatchObject({ message: null });
  });
});

describe("a subscription's link", () => {
  it('leads to the message of each change', () => {
    const template = 'https://api.example.com/mail/{mailbox}/{threadId}?message={messageId}';
    checkLink(template);
    expect(linkTo(template, stored)).toBe('https://api.example.com/mail/ada%40example.com/1998a0?message=1998a1');
  });

  it.each(['', 'mail/{messageId}', 'javascript:alert(1)', 'https://api.example.com/{id}', '{mailbox}'])(
    'is refused as %j',
    (template) => {
      expect(() => checkLink(template)).toThrow(InvalidLinkError);
    },
  );
});
