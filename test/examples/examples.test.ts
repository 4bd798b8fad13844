import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';

import { createLog } from '../../src/host/log.ts';
import { onFreePort } from '../fixtures/host/on-free-port.ts';
import { Printing, Program } from '../fixtures/host/program.ts';
import { useFolder } from '../fixtures/host/temporary-folder.ts';
import { Rig } from '../fixtures/system/rig.ts';
import { describePostgres, useDatabases } from '../fixtures/postgres/suite-database.ts';
import { workflowBundle } from '../fixtures/temporal/workflow-bundle.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let bundle: string;
beforeAll(async () => {
  bundle = (await workflowBundle()).codePath;
});
const running: Printing[] = [];
afterEach(async () => {
  for (const program of running.splice(0)) await program.end('SIGTERM');
});

/** What `npm run example -- NAME` runs. */
function example(name: string, env: NodeJS.ProcessEnv = {}): Printing {
  const program = new Printing(
    spawn(process.execPath, [join(root, 'scripts/run-example.ts'), name], {
      env: {
        ...process.env,
        PORT: '0',
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        TIDEMARK_WORKFLOW_BUNDLE: bundle,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  running.push(program);
  return program;
}

it('examples/README.md has the command of every example', () => {
  const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const commands = readFileSync(join(root, 'examples/README.md'), 'utf8').matchAll(/npm run example -- ([\w-]+)/g);
  expect([...commands].map(([, name = '']) => name).sort()).toEqual(folders.map(({ name }) => name).sort());
});

describe('new-mail-page', () => {
  it('shows the inbox, and each new message as it comes', async () => {
    const page = example('new-mail-page');
    const [, url = ''] = await page.says(/^open (\S+)$/m);
    const stream = await fetch(`${url}/new`);
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    let row = '';
    while (!row.includes('Fresh fish')) row += (await reader?.read())?.value ?? '';
    await reader?.cancel();
    expect(row).toContain('<b>Bob</b> Fresh fish');
    expect(await (await fetch(url)).text()).toContain('<b>Bob</b> Fresh fish');
  });
});

describePostgres('own-tables', () => {
  const newDatabase = useDatabases();
  it('counts what the handler was called with', async () => {
    const counting = example('own-tables', { DATABASE_URL: await newDatabase({ empty: true }) });
    const [, first = ''] = await counting.says(/^counted (\d+) messages$/m);
    const { code, stdout } = await counting.end('SIGTERM');
    expect(code).toBe(0);
    const [, total = ''] = /^(\d+) messages of \d+ senders$/m.exec(stdout) ?? [];
    expect(Number(total)).toBeGreaterThanOrEqual(Number(first));
  });
});

describe('customer-consent', () => {
  it('has a page that offers to connect a mailbox', async () => {
    const [, url = ''] = await onFreePort((port) => {
      const REDIRECT_URI = `http://localhost:${port}/gmail/callback`;
      return example('customer-consent', { REDIRECT_URI }).says(/^open (\S+)$/m);
    });
    expect(await (await fetch(url)).text()).toContain('Connect a mailbox');
  });
});

describe('webhook-receiver', () => {
  const folder = useFolder();
  const secret = (letter: string): string => `whsec_${Buffer.alloc(32, letter).toString('base64')}`;

  async function send(url: string, signedWith: string): Promise<number | null> {
    const file = join(folder(), 'secret.txt');
    writeFileSync(file, signedWith, { mode: 0o600 });
    const args = ['test-webhook', url, '--allow-private', '--secret-file', file];
    return (await new Program('cli/main.ts', args, { HOME: folder(), TIDEMARK_DATA_DIR: folder() }).ended).code;
  }

  it('accepts what its secret signed, and nothing else', async () => {
    const receiver = example('webhook-receiver', { WEBHOOK_SECRET: secret('a') });
    const [, url = ''] = await receiver.says(/^waiting for webhooks at (\S+)$/m);
    expect(await send(url, secret('b'))).toBe(1);
    expect(await send(url, secret('a'))).toBe(0);
    expect(receiver.stdout.match(/^webhook\.test$/gm)).toHaveLength(1);
  });

  it('prints what a subscription sends to it', async () => {
    const rig = await Rig.open('example-receiver');
    try {
      await rig.startWorker(createLog('silent'));
      const box = await rig.mailbox('received', { messages: 0, pollInterval: 600_000 });
      await box.start();
      await box.exact(30_000);
      const receiver = example('webhook-receiver', { WEBHOOK_SECRET: secret('a') });
      const [, url = ''] = await receiver.says(/^waiting for webhooks at (\S+)$/m);
      await box.client.deliveries.subscribe('hooks', { url, allowPrivate: true, secret: { text: secret('a') } });
      const { id } = box.deliver('hello');
      await box.client.sync(box.id, { wait: true });
      const [, kind, mailbox, message] = await receiver.says(/^(message\.\S+) (\S+) (\S+)$/m);
      expect([kind, mailbox, message]).toEqual(['message.stored', box.id, id]);
    } finally {
      await rig.close();
    }
  }, 90_000);
});

describe('test-your-code', () => {
  it('passes', async () => {
    const { code, stdout } = await example('test-your-code').ended;
    expect(stdout).toMatch(/pass 2$/m);
    expect(code).toBe(0);
  });
});
