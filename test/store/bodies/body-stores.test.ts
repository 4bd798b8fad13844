import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FolderBodyStore } from '../../../src/store/bodies/folder-body-store.ts';
import { openBodyStore } from '../../../src/store/bodies/open-body-store.ts';
import { StoreError } from '../../../src/store/engines/store-error.ts';
import { bodyStoreContract } from '../../contract/body-store/index.ts';
import { S3_SERVER_PATIENCE, s3Missing, startS3Server, type S3Server } from '../../fixtures/store/s3-server.ts';
import { useFolder } from '../../fixtures/host/temporary-folder.ts';

const folder = useFolder();

bodyStoreContract({ name: 'a folder', open: async () => new FolderBodyStore(join(folder(), 'bodies')) });

describe('a folder of bodies', () => {
  it('is readable by its owner only', async () => {
    await new FolderBodyStore(join(folder(), 'deep', 'bodies')).put('a1/object', new Uint8Array(3));
    for (const path of ['deep', 'deep/bodies', 'deep/bodies/a1'])
      expect(statSync(join(folder(), path)).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder(), 'deep/bodies/a1/object')).mode & 0o777).toBe(0o600);
  });

  it('removes half-written bodies that crashed writers left when it is tidied', async () => {
    const store = new FolderBodyStore(folder());
    const left = join(folder(), 'half-written', 'left');
    mkdirSync(join(folder(), 'half-written'));
    writeFileSync(left, 'hal');
    utimesSync(left, 1_000, 1_000);
    await store.put('a1/object', new Uint8Array(3));
    await store.tidy(2_000_000);
    expect(readdirSync(join(folder(), 'half-written'))).toEqual([]);
    expect(existsSync(join(folder(), 'a1/object'))).toBe(true);
  });

  it('is unavailable, and says what to do, when it cannot be used', async () => {
    writeFileSync(join(folder(), 'file'), '');
    const error: unknown = await new FolderBodyStore(join(folder(), 'file'))
      .put('a1/object', new Uint8Array(3))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining('BODIES_URL') as string,
    });
  });

  it.skipIf(process.getuid?.() === 0)('is unavailable when this user may not write it', async () => {
    chmodSync(folder(), 0o500);
    await expect(new FolderBodyStore(folder()).put('a1/object', new Uint8Array(3))).rejects.toThrow(
      'check its permissions',
    );
    chmodSync(folder(), 0o700);
  });
});

describe.skipIf(s3Missing !== null)(`an S3 server${s3Missing === null ? '' : ` (${s3Missing})`}`, () => {
  let server: S3Server;
  let before: NodeJS.ProcessEnv;
  let prefixes = 0;
  beforeAll(async () => {
    server = await startS3Server();
    before = { ...process.env };
    Object.assign(process.env, server.env);
  }, S3_SERVER_PATIENCE);
  afterAll(async () => {
    process.env = before;
    await server.stop();
  });
  const open = (url: string, endpoint = server.endpoint) => openBodyStore(url, { endpoint, region: null });

  bodyStoreContract({ name: 'a bucket', open: async () => open(`s3://${server.bucket}/test-${++prefixes}`) });

  it('keeps objects under the prefix of the place', async () => {
    const store = open(`s3://${server.bucket}/mail/bodies/`);
    await store.put('a1/object', new Uint8Array(3));
    expect(existsSync(join(server.folder, server.bucket, 'mail/bodies/a1/object'))).toBe(true);
    await store.close();
  });

  it('does not take a missing bucket for a missing body', async () => {
    const store = open('s3://elsewhere/mail');
    await expect(store.get('a1/object')).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining('no such bucket') as string,
    });
    await store.close();
  });

  it('is unavailable, says what to do and shows no secret, when keys are wrong or no server answers', async () => {
    const nobody = open(`s3://${server.bucket}/mail`, 'http://127.0.0.1:9');
    await expect(nobody.get('a1/object')).rejects.toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining('S3_ENDPOINT') as string,
    });
    await nobody.close();
    process.env['AWS_SECRET_ACCESS_KEY'] = 'planted-secret';
    const stranger = open(`s3://${server.bucket}/mail`);
    const error: unknown = await stranger.get('a1/object').catch((thrown: unknown) => thrown);
    await stranger.close();
    process.env['AWS_SECRET_ACCESS_KEY'] = server.env.AWS_SECRET_ACCESS_KEY;
    expect(error).toMatchObject({
      failure: { kind: 'unavailable' },
      message: expect.stringContaining('AWS_SECRET_ACCESS_KEY') as string,
    });
    expect(String(error)).not.toContain('planted-secret');
  });
});
