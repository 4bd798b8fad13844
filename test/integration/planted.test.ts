import { expect, it } from 'vitest';

import { findSecrets } from './planted.ts';

it('a secret is found in every form in which it can leak', () => {
  const secret = '1//0g-Planted+Token/9x~';
  const around = (text: string): string => `{"log":"${text}"}`;
  const forms = [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('hex'),
    ...['', 'a', 'ab', 'abc'].map((before) => Buffer.from(`${before}${secret} and more`).toString('base64')),
    Buffer.from(`x${secret}`).toString('base64url'),
  ];
  for (const form of forms)
    expect(findSecrets([{ name: 'a log', text: around(form) }], { token: secret }).length).toBeGreaterThan(0);
  expect(findSecrets([{ name: 'a log', text: around('1//0g-Planted') }], { token: secret })).toEqual([]);
});
