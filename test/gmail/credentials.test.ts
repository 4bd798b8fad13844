import { describe, expect, it } from 'vitest';
import { authorizedUserFile, InvalidCredentialsError, parseCredentials } from '../../src/gmail/access/credentials.ts';

const USER = {
  type: 'authorized_user',
  client_id: 'client',
  client_secret: 'secret-1',
  refresh_token: 'refresh-1',
  quota_project_id: 'ignored',
};
const SERVICE = {
  type: 'service_account',
  client_email: 'robot@project.iam.gserviceaccount.com',
  private_key: '-----BEGIN PRIVATE KEY-----\nkey\n',
  private_key_id: 'k1',
};

const refusal = (file: unknown): string => {
  try {
    parseCredentials(typeof file === 'string' ? file : JSON.stringify(file));
  } catch (error) {
    if (error instanceof InvalidCredentialsError) return error.message;
    throw error;
  }
  throw new Error('the credentials were taken');
};

describe('parseCredentials', () => {
  it("takes one person's grant", () => {
    expect(parseCredentials(JSON.stringify(USER))).toEqual({
      type: 'authorized_user',
      clientId: 'client',
      clientSecret: 'secret-1',
      refreshToken: 'refresh-1',
      scopes: null,
    });
  });

  it('keeps the scopes of a grant', () => {
    const file = authorizedUserFile({
      type: 'authorized_user',
      clientId: 'client',
      clientSecret: 'secret-1',
      refreshToken: 'refresh-1',
      scopes: ['a', 'b'],
    });
    expect(parseCredentials(file)).toMatchObject({
      type: 'authorized_user',
      refreshToken: 'refresh-1',
      scopes: ['a', 'b'],
    });
  });

  it('takes a service account', () => {
    expect(parseCredentials(JSON.stringify(SERVICE))).toEqual({
      type: 'service_account',
      clientEmail: SERVICE.client_email,
      privateKey: SERVICE.private_key,
      privateKeyId: 'k1',
    });
  });

  it('names what is missing', () => {
    const { refresh_token: _, ...incomplete } = USER;
    expect(refusal(incomplete)).toMatch(/lack refresh_token/);
    expect(refusal({ ...SERVICE, private_key: 'no key', client_email: '' })).toMatch(/lack client_email, private_key/);
  });

  it('says that a field with the wrong text is missing or holds something else', () => {
    expect(refusal({ ...SERVICE, private_key: 'no key' })).toBe(
      'The credentials lack private_key, or hold something else there than Google writes. ' +
        'Download or create the file again.',
    );
  });

  it('distinguishes a client without a grant from a grant', () => {
    expect(refusal({ installed: { client_id: 'client' } })).toMatch(/OAuth client without a grant/);
  });

  it.each(['', 'not json', '[]', 'null', '{"type":"external_account"}'])(
    'says which files it takes when given %j',
    (text) => {
      expect(refusal(text)).toMatch(/"authorized_user".*"service_account"/);
    },
  );

  it('never repeats what the file holds', () => {
    expect(refusal({ ...USER, client_id: 7 })).not.toMatch(/secret-1|refresh-1/);
    expect(refusal('{"refresh_token": "refresh-1",')).not.toMatch(/refresh-1/);
  });
});
