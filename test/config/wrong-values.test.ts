import { describe, expect, it } from 'vitest';
import { useConfigFolder } from './config-folder.ts';

const { errorOf } = useConfigFolder();

describe('a wrong value', () => {
  it.each([
    ['DATABASE_URL', 'mysql://db', 'sqlite:.tidemark/tidemark.sqlite'],
    ['DATABASE_URL', 'sqlite:', 'sqlite:.tidemark/tidemark.sqlite'],
    ['DATABASE_URL', 'sqlite::memory:', 'sqlite:.tidemark/tidemark.sqlite'],
    ['DATABASE_URL', 'postgres://db', 'postgres://USER@HOST/DATABASE'],
    ['DATABASE_URL', 'postgres://db/mail?sslmode=prefer', 'verify-ca or verify-full'],
    ['DATABASE_POOL_SIZE', '1', 'for example 10'],
    ['DATABASE_AUTO_MIGRATE', 'no', 'for example false'],
    ['TIDEMARK_CACHED_MAILBOXES', '1', 'from 2 to 1000000'],
    ['CHANGES_KEPT', '5m', 'at least 1h, or never, for example 90d'],
    ['BODIES_URL', 'https://bucket', 's3://mail-bodies/tidemark'],
    ['BODIES_URL', 's3://', 'file:/var/lib/tidemark/bodies'],
    ['BODIES_OVER', '64k', 'for example 65536'],
    ['BODIES_SWEEP_GRACE', '2 weeks', 'never, for example 7d'],
    ['BODIES_GONE_GRACE', '2 weeks', 'never, for example 7d'],
    ['S3_ENDPOINT', 'minio:9000', 'https://s3.example.com'],
    ['GMAIL_ROOT_URL', 'gmail', 'https://gmail.googleapis.com'],
    ['GOOGLE_TOKEN_URL', 'ftp://example.com', 'https://oauth2.googleapis.com/token'],
    ['GMAIL_QUOTA_PRICES', '2024', 'one of 2026, 2025'],
    ['GMAIL_QUOTA_PRICES_END', 'in spring', 'the time at which Google ends'],
    ['GMAIL_USER_UNITS_PER_MINUTE', '0', 'above 0'],
    ['GMAIL_USER_UNITS_PER_MINUTE', '1e3', 'for example 6000'],
    ['GMAIL_PROJECT_UNITS_PER_MINUTE', '-5', 'for example 1200000'],
    ['GMAIL_METHOD_UNITS', 'messages.gett=20', 'for example messages.get=20'],
    ['GMAIL_METHOD_UNITS', 'messages.get', 'for example messages.get=20'],
    ['GMAIL_METHOD_UNITS', 'messages.get=0', 'for example messages.get=20'],
    ['GMAIL_PROJECT_UNITS_PER_DAY', '0', 'for example 80000000'],
    ['GMAIL_USER_SHARE', '1.5', 'for example 0.8'],
    ['GMAIL_USER_SHARE', '0', 'for example 0.8'],
    ['TIDEMARK_DEPLOYMENT', 'mail.eu', 'for example tidemark'],
    ['TIDEMARK_DEPLOYMENT', '__mail', 'for example tidemark'],
    ['TIDEMARK_BUILD_ID', 'v 1', 'for example v1.2.0'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent'],
  ])('of %s ("%s") is named with what was expected', (name, value, expected) => {
    const error = errorOf({ [name]: value });
    expect(error.problems).toHaveLength(1);
    expect(error.message).toMatch(/^[^ ]+ is ".*"(?: \(.*\))?: expected /);
    expect(error.message).toContain(`${name} is "${value}"`);
    expect(error.message).toContain(expected);
    expect(error.message).toContain('for example');
  });

  it('does not hide other wrong values', () => {
    expect(
      errorOf({ LOG_LEVEL: 'loud', DATABASE_URL: 'x', GMAIL_QUOTA_PRICES: '1' }).problems.map(
        (problem) => problem.name,
      ),
    ).toEqual(['DATABASE_URL', 'GMAIL_QUOTA_PRICES', 'LOG_LEVEL']);
  });

  it('of the key is not shown, only its length', () => {
    const error = errorOf({ TIDEMARK_SECRET_KEY: 'c2hvcnQ=' });
    expect(error.message).toContain('TIDEMARK_SECRET_KEY is a text of 8 characters: expected 32 bytes in base64');
    expect(error.message).not.toContain('c2hvcnQ=');
  });

  it('of former keys is not shown either, nor is a key that two variables give', () => {
    expect(errorOf({ TIDEMARK_OLD_SECRET_KEYS: 'c2hvcnQ=' }).message).not.toContain('c2hvcnQ=');
    const error = errorOf({
      TIDEMARK_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
      TIDEMARK_SECRET_KEY_COMMAND: 'print hunter2',
    });
    expect(error.message).toContain('TIDEMARK_SECRET_KEY_COMMAND is set beside TIDEMARK_SECRET_KEY: expected one of');
    expect(error.message).not.toMatch(/hunter2|BwcHBw/);
  });

  it('is shown without the password within it', () => {
    const error = errorOf({ DATABASE_URL: 'mysql://me:hunter2@db/mail' });
    expect(error.message).toContain('"mysql://…@db/mail"');
    expect(error.message).not.toContain('hunter2');
    for (const url of ['postgres://me:hun/ter2@db', 'postgres://me@db/mail?password=hunter2'])
      expect(errorOf({ DATABASE_URL: url }).message).not.toMatch(/ter2/);
  });
});
