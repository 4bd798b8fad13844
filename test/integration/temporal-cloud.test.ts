import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

import { registerSearchAttributes } from '../../src/client/register-search-attributes.ts';
import { loadConfig } from '../../src/config/config.ts';
import { connectTemporal } from '../../src/temporal/connect.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { frontendTrouble } from '../../src/temporal/dev-server/frontend-trouble.ts';
import { makeCertificates, SERVER_NAME, TemporalGate, type Admission, type Certificates } from './temporal-gate.ts';

const API_KEY = 'test-api-key-0123456789';

describe('Temporal behind a front door like that of Temporal Cloud', () => {
  let folder: string;
  let certificates: Certificates;
  const gates: TemporalGate[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-cloud-'));
    certificates = makeCertificates(folder);
    // An administrator registers search attributes, as docs/operations.md says: workers may not.
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    await registerSearchAttributes({ connection, namespace: 'default', clock: systemClock });
    await connection.close();
  });
  afterAll(async () => {
    await Promise.all(gates.map((gate) => gate.close()));
    rmSync(folder, { recursive: true });
  });

  async function open(admission: Admission): Promise<TemporalGate> {
    const gate = await TemporalGate.open({ upstream: inject('temporalAddress'), certificates, admission });
    gates.push(gate);
    return gate;
  }
  const trusting = (gate: TemporalGate): Record<string, string> => ({
    TEMPORAL_ADDRESS: gate.address,
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: certificates.authority,
    TEMPORAL_TLS_SERVER_NAME: SERVER_NAME,
  });
  const withCertificate = ({ cert, key }: { cert: string; key: string }): Record<string, string> => ({
    TEMPORAL_TLS_CLIENT_CERT_PATH: cert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: key,
  });

  /** Runs a mailbox until it is exact, with every call of client, worker and activities through the gate. */
  async function follows(name: string, gate: TemporalGate, env: Record<string, string>): Promise<void> {
    const rig = await Rig.open(name, { temporalAddress: gate.address, env });
    try {
      await rig.startWorker();
      const box = await rig.mailbox(name, { messages: 40 });
      await box.start();
      await box.exact(30_000);
      box.deliver('later');
      await box.client.sync(box.id, { wait: true });
      expect((await box.exact(30_000)).workerAnswered).toBe(true);
    } finally {
      await rig.close();
    }
  }

  it('lets client and worker in with a client certificate', async () => {
    const gate = await open({ kind: 'client-certificate' });
    await follows('mtls', gate, { ...trusting(gate), ...withCertificate(certificates.client) });
    expect(gate.admitted).toBeGreaterThan(20);
    expect(gate.refused).toBe(0);
  }, 60_000);

  it('lets client and worker in with an API key', async () => {
    const gate = await open({ kind: 'api-key', key: API_KEY });
    await follows('api-key', gate, { ...trusting(gate), TEMPORAL_API_KEY: API_KEY });
    expect(gate.admitted).toBeGreaterThan(20);
    expect(gate.refused).toBe(0);
  }, 60_000);

  it.each([
    [
      'a certificate of an unknown authority',
      'client-certificate',
      (): Record<string, string> => withCertificate(certificates.stranger),
    ],
    ['no certificate', 'client-certificate', (): Record<string, string> => ({ TEMPORAL_TLS: 'true' })],
  ] as const)('refuses %s', async (_, kind, env) => {
    const gate = await open({ kind });
    const config = loadConfig({ env: { HOME: folder, ...trusting(gate), ...env() } });
    await expect(connectTemporal(config)).rejects.toMatchObject({ code: 'server-unreachable' });
    expect(gate.admitted).toBe(0);
  });

  it('is reported by npm start as refusing access, not as silent', async () => {
    const gate = await open({ kind: 'api-key', key: API_KEY });
    const { temporal } = loadConfig({ env: { HOME: folder, ...trusting(gate), TEMPORAL_API_KEY: 'another' } });
    expect(await frontendTrouble(gate.address, temporal, 5_000)).toMatch(/^it refuses access: check TEMPORAL_API_KEY/);
  });

  it('says that access is refused where the API key is wrong', async () => {
    const gate = await open({ kind: 'api-key', key: API_KEY });
    const config = loadConfig({ env: { HOME: folder, ...trusting(gate), TEMPORAL_API_KEY: 'another' } });
    await expect(connectTemporal(config)).rejects.toMatchObject({ code: 'server-refused' });
    expect(gate.admitted).toBe(0);
  });
});
