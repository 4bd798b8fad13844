import { createServer, type Server } from 'node:net';

import { afterEach, expect, it } from 'vitest';

import { listen } from '../../src/host/listen.ts';
import { answers, freePort } from '../../src/temporal/dev-server/ports.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

/** Listens on a free port of the host. @returns the port */
async function occupy(host: string): Promise<number> {
  const server = createServer();
  open.push(server);
  return (await listen(server, { port: 0, host })).port;
}

it('the wanted port is taken when it is free', async () => {
  await onFreePort(async (wanted) => expect(await freePort(wanted)).toBe(wanted));
});

it('a port that is in use is passed over', async () => {
  const wanted = await occupy('127.0.0.1');
  expect(await freePort(wanted)).toBeGreaterThan(wanted);
});

it('a port that another program has on all addresses is passed over', async () => {
  const wanted = await occupy('0.0.0.0');
  expect(await freePort(wanted)).toBeGreaterThan(wanted);
});

it('a port that was promised to someone else is passed over', async () => {
  const wanted = await freePort(0);
  expect(await freePort(wanted, [wanted])).toBeGreaterThan(wanted);
});

it('a port answers only where something listens', async () => {
  expect(await answers(1)).toBe(false);
  expect(await answers(await occupy('127.0.0.1'))).toBe(true);
});
