import { expect, inject, it } from 'vitest';

import { ServerUnreachableError } from '../../src/client/errors.ts';
import { loadConfig } from '../../src/config/config.ts';
import { connectTemporal } from '../../src/temporal/connect.ts';
import { Switchboard } from '../fixtures/host/switchboard.ts';

const connect = (port: number) =>
  connectTemporal(loadConfig({ env: { HOME: '/nowhere', TEMPORAL_ADDRESS: `127.0.0.1:${port}` } }));

it('a server on this machine that is busy for some seconds is waited for', async () => {
  const busy = await Switchboard.to(Number(inject('temporalAddress').split(':')[1]));
  busy.delay = 3_500;
  const connection = await connect(busy.port);
  expect(await connection.workflowService.getSystemInfo({})).toHaveProperty('serverVersion');
  await connection.close();
  await busy.close();
});

it('an address where nothing listens is reported within seconds', async () => {
  const asked = performance.now();
  // Port 1 is reserved, and no test can be given it.
  await expect(connect(1)).rejects.toThrow(ServerUnreachableError);
  expect(performance.now() - asked).toBeLessThan(8_000);
});
