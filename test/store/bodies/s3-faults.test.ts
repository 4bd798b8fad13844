import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { S3BodyStore } from '../../../src/store/bodies/s3-body-store.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { deleted, reading, record, TestMailbox } from '../../fixtures/store/tested-store.ts';
import { FaultyProxy, type Fault } from '../../fixtures/host/faulty-proxy.ts';
import { S3_SERVER_PATIENCE, s3Missing, startS3Server, type S3Server } from '../../fixtures/store/s3-server.ts';
import { useFolder } from '../../fixtures/host/temporary-folder.ts';
import { alice, objectsIn } from '../../fixtures/store/outside-fixture.ts';

const SILENCE = 300;
const status = (code: number, name: string): Fault => ({ kind: 'status', status: code, code: name });

describe.skipIf(s3Missing !== null)(
  `bodies in a bucket under faults${s3Missing === null ? '' : ` (${s3Missing})`}`,
  () => {
    const folder = useFolder();
    let server: S3Server;
    let proxy: FaultyProxy;
    let before: NodeJS.ProcessEnv;
    let mailbox: TestMailbox & { readonly store: SqliteStore };
    let place: string;
    let places = 0;
    beforeAll(async () => {
      server = await startS3Server();
      before = { ...process.env };
      Object.assign(process.env, server.env);
      proxy = await FaultyProxy.before(server.endpoint);
    }, S3_SERVER_PATIENCE);
    afterAll(async () => {
      process.env = before;
      await proxy.close();
      await server.stop();
    });
    beforeEach(async () => {
      const prefix = `faults-${++places}`;
      place = join(server.folder, server.bucket, prefix);
      const location = { endpoint: proxy.url, region: null };
      const bodies = {
        url: `s3://${server.bucket}/${prefix}`,
        over: 0,
        s3: location,
        open: () => new S3BodyStore({ bucket: server.bucket, prefix, location, silence: SILENCE }),
      };
      const store = await openSqliteStore({ path: join(folder(), 'mirror.db'), bodies });
      mailbox = Object.assign(new TestMailbox(store, alice), { store });
      await mailbox.put();
      await mailbox.save(reading('a'));
      proxy.requests.length = 0;
    });
    afterEach(async () => {
      proxy.fault = () => null;
      await mailbox.store.close();
    });

    const spoil = (method: string, fault: Fault): void => {
      proxy.fault = (request) =>
        request.method === method && !request.path.includes('tidemark-bodies') ? fault : null;
    };
    const bodyOf = async (id: string): Promise<string> =>
      Buffer.from((await mailbox.message(id))?.body ?? []).toString();
    const unavailable = (what: RegExp): object => ({
      failure: { kind: 'unavailable' },
      message: expect.stringMatching(what) as string,
    });

    const REFUSALS: readonly (readonly [string, Fault, RegExp])[] = [
      ['500', status(500, 'InternalError'), /its server failed\.$/],
      ['a wrong clock', status(403, 'RequestTimeTooSkewed'), /this machine's clock is wrong; set it by NTP/],
      ['503', status(503, 'SlowDown'), /it is asked too often/],
      ['403', status(403, 'AccessDenied'), /access is denied; the credentials need s3:GetObject/],
      ['the bucket gone', status(404, 'NoSuchBucket'), /there is no such bucket; create it/],
      ['silence', { kind: 'silent' }, /no answer came in time\.$/],
      ['a broken connection', { kind: 'reset' }, /the connection broke off\.$/],
    ];

    it.each(REFUSALS)(
      'a body that cannot be written (%s) is reported, named by no row, and written later',
      async (_name, fault, reason) => {
        spoil('PUT', fault);
        await expect(mailbox.save(reading('b'))).rejects.toMatchObject(unavailable(reason));
        expect(await mailbox.feed()).toEqual(['stored a']);
        proxy.fault = () => null;
        expect(await mailbox.save(reading('b'))).toMatchObject({ stored: 1 });
        expect([await bodyOf('a'), await bodyOf('b')]).toEqual(['body of a', 'body of b']);
      },
    );

    it.each([
      ...REFUSALS,
      ['half an answer', { kind: 'cut' }, /the connection broke off\.$/],
      ['half an answer, then silence', { kind: 'stalled' }, /no answer came in time\.$/],
    ] as const)('a body that cannot be read (%s) is reported, and not taken for lost', async (_name, fault, reason) => {
      spoil('GET', fault);
      await expect(bodyOf('a')).rejects.toMatchObject(unavailable(reason));
      proxy.fault = () => null;
      expect(await bodyOf('a')).toBe('body of a');
    });

    it('a body with other bytes counts as damaged, and is never returned', async () => {
      spoil('GET', { kind: 'altered' });
      await expect(bodyOf('a')).rejects.toMatchObject({
        failure: { kind: 'body-lost' },
        message: expect.stringContaining('is damaged') as string,
      });
    });

    it.each(REFUSALS.filter(([name]) => name !== 'silence'))(
      'a body that cannot be removed (%s) waits for a later sweep, and what a row names stays',
      async (_name, fault, reason) => {
        await mailbox.save(reading('b'), reading('c'));
        await mailbox.applyTwice([record(200, deleted('b'), deleted('c'))], { generation: 0, mark: null });
        await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 0 });
        spoil('DELETE', fault);
        await expect(mailbox.store.sweepBodies({ now: 1_000_000, grace: 0 })).rejects.toMatchObject(
          unavailable(reason),
        );
        proxy.fault = () => null;
        // After ten minutes another sweep takes over what this one condemned.
        expect((await mailbox.store.sweepBodies({ now: 1_000_000 + 600_000, grace: 0 })).removed).toBe(2);
        expect(objectsIn(place)).toHaveLength(1);
        expect(await bodyOf('a')).toBe('body of a');
      },
    );

    it('a missing bucket loses nothing: no read and no sweep takes bodies for lost', async () => {
      await mailbox.save(reading('b'));
      await mailbox.applyTwice([record(200, deleted('b'))], { generation: 0, mark: null });
      await mailbox.store.dropBuriedBodies({ now: mailbox.now, grace: 0 });
      const bucket = join(server.folder, server.bucket);
      renameSync(bucket, `${bucket}-away`);
      await expect(bodyOf('a')).rejects.toMatchObject(unavailable(/there is no such bucket/));
      await expect(mailbox.store.sweepBodies({ now: 1_000_000, grace: 0 })).rejects.toMatchObject(
        unavailable(/there is no such bucket/),
      );
      await expect(mailbox.save(reading('c'))).rejects.toMatchObject(unavailable(/there is no such bucket/));
      expect(existsSync(bucket)).toBe(false);
      renameSync(`${bucket}-away`, bucket);
      // The body of b, and that of c, which was registered and could not be written.
      expect((await mailbox.store.sweepBodies({ now: 1_000_000 + 600_000, grace: 0 })).removed).toBe(2);
      expect(await bodyOf('a')).toBe('body of a');
      expect(readdirSync(server.folder)).toContain(server.bucket);
    });
  },
);
