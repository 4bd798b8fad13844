import { describe, expect, it } from 'vitest';

import { isJson, isLoopback, refusalOf } from '../../src/model/request-guard.ts';

const guard = { hosts: ['simulator'], origins: ['http://localhost:8233'] };
const asked = (headers: Readonly<Record<string, string>>, method = 'POST'): string | null =>
  refusalOf({ method, headers: { host: 'localhost:8025', ...headers } }, guard);

describe('the guard of a server without passwords', () => {
  it.each([
    'localhost',
    'LOCALHOST:8025',
    'localhost.',
    'mail.localhost:1',
    '127.0.0.1:8025',
    '127.1.2.3',
    '[::1]:8025',
    '192.168.1.5:80',
    '[fe80::1]',
    'simulator',
    'Simulator:8025',
  ])('lets a program ask for %s', (host) => {
    expect(asked({ host })).toBeNull();
  });

  it.each([
    'evil.example',
    'evil.example:8025',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.evil.example',
    'simulator.evil.example',
    '127.0.0.1@evil.example',
    '',
  ])('refuses a page that calls the server "%s"', (host) => {
    expect(asked({ host }, 'GET')).toMatch(/^the host .* is not one of this server's/);
    // After DNS rebinding, a browser takes the page for one of this server's own.
    expect(asked({ host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).toMatch(/^the host/);
  });

  it.each(['https://evil.example', 'http://localhost:3000', 'null', 'http://localhost:8233.evil.example'])(
    'refuses what the page %s sends',
    (origin) => {
      expect(asked({ origin })).toBe(`the page "${origin}" may not ask this server`);
      expect(asked({ origin, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toContain('may not ask');
    },
  );

  it('refuses what pages of other sites load or send, and shows a page to a person who follows a link', () => {
    expect(asked({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 'GET')).toContain('other sites');
    expect(asked({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate' }, 'POST')).toContain('other sites');
    expect(asked({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 'GET')).toBeNull();
  });

  it('answers its own pages, and those of the origins that it was given', () => {
    expect(asked({ origin: 'http://localhost:8025' })).toBeNull();
    expect(asked({ origin: 'https://localhost:8025', 'sec-fetch-site': 'same-origin' })).toBeNull();
    expect(asked({ origin: 'http://localhost:8233', 'sec-fetch-site': 'same-site' })).toBeNull();
    // Node's own fetch says how it asks, and not from where.
    expect(asked({ 'sec-fetch-mode': 'cors' })).toBeNull();
  });
});

it('isJson distinguishes JSON from what forms send', () => {
  expect(
    ['application/json', 'application/json; charset=UTF-8', 'Application/JSON', 'application/problem+json'].map(isJson),
  ).toEqual([true, true, true, true]);
  expect(
    [
      undefined,
      '',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'text/plain; application/json',
      'application/jsonp',
    ].map(isJson),
  ).toEqual(Array(7).fill(false));
});

it('isLoopback knows the addresses that only this machine reaches', () => {
  expect(['localhost', '127.0.0.1', '127.8.8.8', '::1', '[::1]'].map(isLoopback)).toEqual(Array(5).fill(true));
  expect(['0.0.0.0', '::', '10.0.0.1', 'example.com', '127.evil.example'].map(isLoopback)).toEqual(
    Array(5).fill(false),
  );
});
