import { describe, expect, it } from 'vitest';

import { WEBHOOK_FIELDS } from '../../../src/model/webhook-field.ts';
import { fieldsOfMessage, type ReadableMessage } from '../../../src/deliveries/webhooks/read-fields.ts';

const bob = { name: 'Bob', address: 'bob@example.com' };
const headers = {
  subject: 'Fish',
  from: bob,
  to: [bob],
  cc: [],
  date: new Date('2026-11-28T09:30:00Z'),
  snippet: 'Co',
};
const message: ReadableMessage = {
  ...headers,
  text: async () => 'Come and see',
  attachments: async () => [{ name: 'fish.pdf', type: 'application/pdf', size: 7, contentId: '<secret>' }],
};

describe('the fields of a message for a payload', () => {
  it('are those that were asked for', async () => {
    expect(await fieldsOfMessage(message, ['subject'])).toEqual({ subject: 'Fish' });
    expect(await fieldsOfMessage(message, WEBHOOK_FIELDS)).toEqual({
      ...headers,
      date: '2026-11-28T09:30:00.000Z',
      text: 'Come and see',
      attachments: [{ name: 'fish.pdf', type: 'application/pdf', size: 7 }],
    });
  });

  it('need no body unless the text or the attachments are asked for', async () => {
    const unread = (): never => {
      throw new Error('the body is not read');
    };
    const withoutBody = { ...message, text: unread, attachments: unread };
    expect(await fieldsOfMessage(withoutBody, ['from', 'date'])).toEqual({
      from: bob,
      date: '2026-11-28T09:30:00.000Z',
    });
  });
});
