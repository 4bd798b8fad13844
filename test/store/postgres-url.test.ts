import { describe, expect, test } from 'vitest';

import { databaseAt, hostInPlainText } from '../../src/model/database-location.ts';

describe('an address of PostgreSQL that says nothing about encryption', () => {
  test.each([
    ['postgres://tidemark@db.internal/tidemark', 'db.internal'],
    ['postgresql://tidemark@10.0.0.5:5432/tidemark?application_name=x', '10.0.0.5'],
    ['postgres:///tidemark?host=db.internal', 'db.internal'],
  ])('needs a warning: %s', (address, host) => {
    expect(hostInPlainText({ url: address, caFile: null })).toBe(host);
    expect(hostInPlainText({ url: address, caFile: '/etc/ssl/ca.pem' })).toBeNull();
  });

  test.each(['localhost', '127.0.0.1:5433', '[::1]:5432'])('needs no warning on this machine: %s', (host) => {
    expect(hostInPlainText({ url: `postgres://tidemark@${host}/tidemark`, caFile: null })).toBeNull();
  });

  test('needs no warning through a Unix socket', () => {
    expect(hostInPlainText({ url: 'postgres:///tidemark?host=/var/run/postgresql', caFile: null })).toBeNull();
    expect(hostInPlainText({ url: 'postgres://%2Fvar%2Frun%2Fpostgresql/tidemark', caFile: null })).toBeNull();
  });
});

test.each(['disable', 'require', 'verify-full'])('an address that says sslmode=%s needs no warning', (mode) => {
  expect(hostInPlainText({ url: `postgres://tidemark@db.internal/tidemark?sslmode=${mode}`, caFile: null })).toBeNull();
});

test.each([
  [
    'postgres://tidemark@db.internal/tidemark?connect_timeout=hunter2',
    'has a parameter "connect_timeout", which Tidemark',
  ],
  ['postgres://tidemark@db.internal/tidemark?sslmode=prefer', 'has an sslmode that Tidemark does not offer. Write'],
  ['postgres://tidemark@db.internal', 'names no database. Write'],
  ['postgres:///tidemark', 'names no host. Write'],
])('an address that cannot be used says what is wrong with it: %s', (address, trouble) => {
  expect(() => databaseAt(address)).toThrow(`The address of the PostgreSQL database ${trouble}`);
  expect(() => databaseAt(address)).not.toThrow('hunter2');
});
