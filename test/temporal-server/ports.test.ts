import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

import { afterEach, expect, it } from 'vitest';

import { answers, freePort } from '../../src/temporal/dev-server/ports.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function occupy(port: number, host: string): Promise<void> {
  const server = createServer().listen({ port, host });
  open.push(server);
  await once(server, 'listening');
}

it('a port that is free is taken as wanted, one that is in use is passed over', async () => {
  const wanted = await freePort(0);
  expect(await freePort(wanted)).toBe(wanted);
  await occupy(wanted, '127.0.0.1');
  expect(await freePort(wanted)).toBeGreaterThan(wanted);
});

it('a port that another has on all addresses is in use', async () => {
  const wanted = await freePort(0);
  await occupy(wanted, '0.0.0.0');
  expect(await freePort(wanted)).toBeGreaterThan(wanted);
});

it('a port that was promised to someone else is passed over', async () => {
  const wanted = await freePort(0);
  expect(await freePort(wanted, [wanted])).toBeGreaterThan(wanted);
});

it('a port is known to answer only while someone listens', async () => {
  const port = await freePort(0);
  expect(await answers(port)).toBe(false);
  await occupy(port, '127.0.0.1');
  expect(await answers(port)).toBe(true);
});
