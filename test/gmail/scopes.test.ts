import { describe, expect, it } from 'vitest';
import { GmailError } from '../../src/gmail/api/gmail-error.ts';
import { covers, requireScopes, scopesFor } from '../../src/gmail/access/scopes.ts';
import { DEFAULT_SETTINGS, type MessageFormat } from '../../src/model/settings.ts';
import { ADA } from '../fixtures/gmail/gmail-fixture.ts';

const READONLY = 'https://www.googleapis.com/auth/gmail.readonly';
const METADATA = 'https://www.googleapis.com/auth/gmail.metadata';

describe('the scopes that are asked for', () => {
  it('are no more than the format needs', () => {
    expect(scopesFor('full')).toEqual([READONLY]);
    expect(scopesFor('raw')).toEqual([READONLY]);
    expect(scopesFor('metadata')).toEqual([METADATA]);
    expect(scopesFor('minimal')).toEqual([METADATA]);
    expect(scopesFor('metadata', { searches: true })).toEqual([READONLY]);
  });
});

describe('a grant', () => {
  it.each([
    [READONLY, READONLY, true],
    [READONLY, METADATA, true],
    [METADATA, METADATA, true],
    [METADATA, READONLY, false],
    ['https://mail.google.com/', READONLY, true],
    ['https://www.googleapis.com/auth/gmail.modify', METADATA, true],
    ['https://www.googleapis.com/auth/gmail.send', METADATA, false],
  ])('of %s covers %s: %s', (granted, needed, covered) => {
    expect(covers(['openid', granted], [needed])).toBe(covered);
  });

  const refusal = (
    granted: readonly string[] | null,
    format: MessageFormat,
    after: number | null = null,
  ): string | null => {
    try {
      requireScopes(ADA, granted, { format, scope: { ...DEFAULT_SETTINGS.scope, after } });
      return null;
    } catch (error) {
      if (
        error instanceof GmailError &&
        (error.failure.kind === 'scope-missing' || error.failure.kind === 'scope-barred')
      )
        return error.message;
      throw error;
    }
  };

  it('that is known bars what Gmail would refuse, and says which and why', () => {
    expect(refusal([METADATA], 'raw')).toBe(
      `${ADA} has granted gmail.metadata, but format raw needs gmail.readonly: ` +
        'under gmail.metadata Gmail only gives the formats metadata and minimal.',
    );
    expect(refusal([METADATA], 'metadata', 1)).toBe(
      `${ADA} has granted gmail.metadata, but a condition by date needs gmail.readonly: ` +
        'under gmail.metadata Gmail refuses searches (q).',
    );
    expect(refusal([], 'minimal')).toBe(`${ADA} has granted no scope, but format minimal needs gmail.metadata.`);
    expect(refusal([METADATA], 'minimal')).toBeNull();
    expect(refusal([READONLY], 'full', 1)).toBeNull();
  });

  it('that holds gmail.metadata beside a wider scope bars bodies and searches, and nothing else', () => {
    expect(refusal([METADATA, READONLY], 'full')).toBe(
      `${ADA} has granted gmail.metadata, gmail.readonly: under gmail.metadata Gmail refuses format full, ` +
        'whatever else was granted.',
    );
    expect(refusal(['https://mail.google.com/', METADATA], 'minimal', 1)).toBe(
      `${ADA} has granted https://mail.google.com/, gmail.metadata: ` +
        'under gmail.metadata Gmail refuses a condition by date, which is a search (q), whatever else was granted.',
    );
    expect(refusal([METADATA, READONLY], 'metadata')).toBeNull();
  });

  it.each<[MessageFormat, number | null, MessageFormat]>([
    ['raw', null, 'raw'],
    ['metadata', null, 'metadata'],
    ['metadata', 1, 'full'],
  ])('that does not suffice for format %s (after: %s) needs a consent for %s', (format, after, askFor) => {
    const settings = { format, scope: { ...DEFAULT_SETTINGS.scope, after } };
    expect(() => requireScopes(ADA, [], settings)).toThrow(
      expect.objectContaining({ failure: { kind: 'scope-missing', askFor } }),
    );
  });

  it('with unknown scopes bars nothing', () => {
    expect(refusal(null, 'full')).toBeNull();
  });
});
