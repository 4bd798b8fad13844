import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeEach, expect, inject, test } from 'vitest';

import { loadConfig } from '../../src/config/config.ts';
import { openWithStores } from '../../src/app/open-with-stores.ts';
import { startSimulatorServer, type SimulatorServer } from '../../src/simulator/server.ts';
import { Simulator } from '../../src/simulator/simulator.ts';
import { systemClock } from '../../src/host/system-clock.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';
import { HOST_ENV, Printing } from '../fixtures/host/program.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { answerConsent } from '../fixtures/gmail/browser.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/customer-consent/main.ts', import.meta.url));
const FROM_SOURCE = fileURLToPath(new URL('../../scripts/from-source.mjs', import.meta.url));
const ADA = `ada-${process.pid}@web.example`;

const folder = useFolder();
let env: NodeJS.ProcessEnv;
let server: SimulatorServer;
let example: Printing;
let connect: string;
beforeEach(async () => {
  const simulator = new Simulator({ clock: systemClock });
  simulator.addMailbox(ADA);
  server = await startSimulatorServer({ simulator, port: 0 });
  const client = join(folder(), 'client.json');
  writeFileSync(client, JSON.stringify(simulator.clientFile()));
  env = {
    ...HOST_ENV,
    HOME: folder(),
    TIDEMARK_DATA_DIR: folder(),
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TIDEMARK_TASK_QUEUE: `web-example-${process.pid}`,
    TIDEMARK_WORKFLOW_BUNDLE: (await workflowBundle()).codePath,
    GMAIL_ROOT_URL: server.url,
    GOOGLE_TOKEN_URL: `${server.url}/token`,
    GOOGLE_AUTH_URL: `${server.url}/o/oauth2/v2/auth`,
    CLIENT_FILE: client,
  };
  const [, url = ''] = await onFreePort((port) => {
    const own = { ...env, REDIRECT_URI: `http://localhost:${port}/gmail/callback` };
    example = new Printing(spawn(process.execPath, ['--import', FROM_SOURCE, EXAMPLE], { env: own }));
    return example.says(/^open (\S+)$/m);
  });
  connect = new URL('/gmail/connect', url).href;
});
afterEach(async () => {
  await example.end('SIGKILL');
  const tidemark = await openWithStores({ config: loadConfig({ env }) });
  await tidemark.temporal.workflow
    .getHandle(`mailbox/${ADA}`)
    .terminate()
    .catch(() => undefined);
  await tidemark.close();
  await server.close();
});

async function begin(): Promise<{ cookie: string; link: string }> {
  const { headers } = await fetch(connect, { redirect: 'manual' });
  const cookie = headers.get('set-cookie') ?? '';
  expect(cookie).toMatch(/^gmail-consent=[\w-]{43}; Max-Age=600; Path=\/gmail\/callback; HttpOnly; SameSite=Lax$/);
  return { cookie: cookie.split(';')[0] ?? '', link: headers.get('location') ?? '' };
}

test('the example customer-consent connects a mailbox only for the browser that began the consent', async () => {
  const stranger = await begin();
  const callback = await answerConsent(stranger.link, { account: ADA });
  expect((await fetch(callback)).status).toBe(400);
  const victim = await begin();
  const forged = await fetch(callback, { headers: { cookie: victim.cookie } });
  expect({ status: forged.status, text: await forged.text() }).toEqual({
    status: 400,
    text: expect.not.stringContaining('connected'),
  });
  const own = await fetch(callback, {
    headers: { cookie: `theme=dark; ${stranger.cookie}` },
    redirect: 'manual',
  });
  expect({ status: own.status, location: own.headers.get('location') }).toEqual({ status: 302, location: '/' });
  expect(await (await fetch(new URL('/', connect))).text()).toContain(ADA);
  expect((await fetch(callback, { headers: { cookie: stranger.cookie } })).status).toBe(400);
});
