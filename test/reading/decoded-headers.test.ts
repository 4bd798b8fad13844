import { expect, it } from 'vitest';

import { decodedHeaders } from '../../src/reading/decoded-headers.ts';

const headers = decodedHeaders([
  { name: 'Received', value: 'from b' },
  { name: 'RECEIVED', value: 'from a' },
  { name: 'Subject', value: '=?utf-8?q?Gr=C3=BC=C3=9Fe?=' },
]);

it('a header is found by its name in any case, decoded', () => {
  expect(headers.get('subject')).toBe('Grüße');
  expect(headers.get('received')).toBe('from b');
  expect(headers.get('X-Spam')).toBeNull();
});

it('all headers of a name, and all headers, come in the order of the message', () => {
  expect(headers.all('received')).toEqual(['from b', 'from a']);
  expect(headers.all('X-Spam')).toEqual([]);
  expect([...headers].map(({ name }) => name)).toEqual(['Received', 'RECEIVED', 'Subject']);
  expect([...headers]).toEqual(headers.list);
});
