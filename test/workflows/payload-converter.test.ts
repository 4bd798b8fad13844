import { defaultPayloadConverter } from '@temporalio/common';
import { expect, test } from 'vitest';

import { payloadConverter } from '../../src/workflows/payload-converter.ts';

const unreadable = { metadata: { encoding: Buffer.from('json/protobuf') }, data: Buffer.from('{}') };

test('values are converted as by Temporal itself', () => {
  for (const value of [{ mailbox: 'ada@example.com' }, 'poke', 7, null, undefined, [1]]) {
    const payload = payloadConverter.toPayload(value);
    expect(payload).toEqual(defaultPayloadConverter.toPayload(value));
    expect(payloadConverter.fromPayload(payload)).toEqual(value);
  }
});

test('outside of a mailbox, and from an activity, what cannot be read is an error', () => {
  const workflow = { type: 'workflow', namespace: 'default', workflowId: 'mailbox/ada@example.com' } as const;
  const activity = { type: 'activity', namespace: 'default', isLocal: false } as const;
  for (const context of [undefined, workflow, activity])
    expect(() => payloadConverter.fromPayload(unreadable, context)).toThrow('Unknown encoding: json/protobuf');
});
