import { request as undiciRequest } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { startHealthServer, type HealthServer } from '../../src/telemetry/health-server.ts';
import { WorkerHealth } from '../../src/telemetry/worker-health.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { createVirtualClock } from '../fixtures/host/virtual-clock.ts';

interface Parts {
  live: string;
  backfill: string;
  temporal: () => Promise<void>;
  store: () => Promise<void>;
}

describe('the health of a worker', () => {
  let health: WorkerHealth;
  let server: HealthServer;
  let parts: Parts;
  let logged: string[];

  beforeEach(async () => {
    parts = { live: 'RUNNING', backfill: 'RUNNING', temporal: async () => undefined, store: async () => undefined };
    logged = [];
    health = new WorkerHealth(systemClock, (name, error) => logged.push(`${name}: ${String(error)}`));
    server = await startHealthServer({ address: { host: '127.0.0.1', port: 0 }, source: health });
  });
  afterEach(() => server.close());

  const run = (): void =>
    health.run({
      workers: { tidemark: { getState: () => parts.live }, 'tidemark-backfill': { getState: () => parts.backfill } },
      checks: { Temporal: () => parts.temporal(), store: () => parts.store() },
    });
  const get = async (path: string, init: RequestInit = {}): Promise<[number, unknown]> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init);
    const text = await response.text();
    return [response.status, text === '' ? null : JSON.parse(text)];
  };

  it('is alive and not ready while the worker waits for its server', async () => {
    expect(await get('/healthz')).toEqual([200, { status: 'starting' }]);
    expect(await get('/readyz')).toEqual([503, { status: 'starting', reasons: ['waiting for the Temporal server'] }]);
  });

  it('is alive and ready while it polls and everything answers', async () => {
    run();
    expect(await get('/healthz')).toEqual([200, { status: 'running' }]);
    expect(await get('/readyz?verbose')).toEqual([200, { status: 'ready' }]);
  });

  it('is alive but not ready when a dependency does not answer, which it names; details are only logged', async () => {
    run();
    parts.temporal = () => Promise.reject(new Error('14 UNAVAILABLE: 10.0.0.7:7233'));
    parts.store = () => Promise.reject(new Error('The database /data/mail.sqlite is locked.'));
    expect(await get('/healthz')).toEqual([200, { status: 'running' }]);
    expect(await get('/readyz')).toEqual([
      503,
      { status: 'not ready', reasons: ['Temporal is not ready', 'store is not ready'] },
    ]);
    await get('/readyz');
    expect(logged).toEqual([
      'Temporal: Error: 14 UNAVAILABLE: 10.0.0.7:7233',
      'store: Error: The database /data/mail.sqlite is locked.',
    ]);
    parts.store = async () => undefined;
    await get('/readyz');
    parts.store = () => Promise.reject(new Error('gone'));
    await get('/readyz');
    expect(logged.at(-1)).toBe('store: Error: gone');
  });

  it('stops waiting for an answer that does not come', async () => {
    const clock = createVirtualClock();
    const slow = new WorkerHealth(clock, (_name, error) => logged.push(String(error)));
    slow.run({ workers: {}, checks: { store: () => new Promise(() => undefined) } });
    expect(await clock.run(() => slow.ready())).toMatchObject({ ok: false, reasons: ['store is not ready'] });
    expect(logged).toEqual(['Error: no answer within 2 s']);
  });

  it('checks a dependency once for any number of probes at a time', async () => {
    run();
    let asked = 0;
    const answer = Promise.withResolvers<void>();
    parts.store = () => {
      asked += 1;
      return answer.promise;
    };
    const probes = Array.from({ length: 5 }, () => health.ready());
    answer.resolve();
    expect((await Promise.all(probes)).map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
    expect(asked).toBe(1);
  });

  it('is neither alive nor ready when one of its workers has failed', async () => {
    run();
    parts.backfill = 'FAILED';
    const reasons = ['the worker of queue tidemark-backfill is FAILED'];
    expect(await get('/healthz')).toEqual([503, { status: 'failed', reasons }]);
    expect(await get('/readyz')).toEqual([503, { status: 'not ready', reasons }]);
  });

  it('is not ready once it must stop, and alive until it has ended', async () => {
    run();
    const late = Promise.withResolvers<void>();
    parts.store = () => late.promise;
    const asked = health.ready();
    health.drain();
    late.resolve();
    const draining = { status: 'draining', reasons: ['told to stop'] };
    expect(await asked).toMatchObject({ ok: false, ...draining });
    expect(await get('/readyz')).toEqual([503, draining]);
    parts.live = 'STOPPING';
    expect(await get('/healthz')).toEqual([200, { status: 'draining' }]);
  });

  it('stays draining when the workers come up after the stop', async () => {
    health.drain();
    run();
    expect((await get('/readyz'))[0]).toBe(503);
  });

  it('refuses requests under a foreign host name on loopback, and answers them elsewhere', async () => {
    const response = await undiciRequest(`http://127.0.0.1:${server.port}/readyz`, {
      headers: { host: 'evil.example' },
    });
    expect([response.statusCode, await response.body.json()]).toEqual([403, { status: 'refused' }]);

    // On other addresses, probes come under the name of a service, a pod or a machine.
    const open = await startHealthServer({ address: { host: '0.0.0.0', port: 0 }, source: health });
    const probe = await undiciRequest(`http://127.0.0.1:${open.port}/healthz`, {
      headers: { host: 'tidemark-worker.mail.svc:8081' },
    });
    expect([probe.statusCode, await probe.body.json()]).toEqual([200, { status: 'starting' }]);
    await open.close();
  });

  it('is served at no other path and by no other method', async () => {
    expect((await get('/'))[0]).toBe(404);
    expect((await get('/metrics'))[0]).toBe(404);
    expect((await get('/readyz', { method: 'POST', body: 'x' }))[0]).toBe(405);
    expect(await get('/healthz', { method: 'HEAD' })).toEqual([200, null]);
  });
});
